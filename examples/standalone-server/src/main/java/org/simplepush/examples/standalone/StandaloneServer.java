package org.simplepush.examples.standalone;

/** Placeholder. */
public final class StandaloneServer {
  private StandaloneServer() {}

  public static void main(String[] args) {
    System.out.println("StandaloneServer");
  }
}
