package org.simplepush.examples.embedjetty;

/** Placeholder. */
public final class EmbedJetty {
  private EmbedJetty() {}

  public static void main(String[] args) {
    System.out.println("EmbedJetty");
  }
}
