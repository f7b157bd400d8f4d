package org.simplepush.examples.embedspringboot;

/** Placeholder. */
public final class EmbedSpringBoot {
  private EmbedSpringBoot() {}

  public static void main(String[] args) {
    System.out.println("EmbedSpringBoot");
  }
}
