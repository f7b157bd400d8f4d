package org.simplepush.examples.embedmain;

/** Placeholder. */
public final class EmbedMain {
  private EmbedMain() {}

  public static void main(String[] args) {
    System.out.println("EmbedMain");
  }
}
