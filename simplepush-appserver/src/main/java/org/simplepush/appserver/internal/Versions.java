package org.simplepush.appserver.internal;

/** What a version is: 0 to 2^63−1, or none. */
public final class Versions {
  /** Stands for a version that the push server picks, higher than any before. */
  public static final long NONE = -1;

  private Versions() {}

  /** Checks a version that a user hands in. */
  public static void check(long version) {
    if (version < 0) {
      throw new IllegalArgumentException("A version is 0 or more, but it was " + version + ".");
    }
  }
}
