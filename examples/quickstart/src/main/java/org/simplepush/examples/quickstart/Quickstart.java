package org.simplepush.examples.quickstart;

/** Placeholder. */
public final class Quickstart {
  private Quickstart() {}

  public static void main(String[] args) {
    System.out.println("Quickstart");
  }
}
