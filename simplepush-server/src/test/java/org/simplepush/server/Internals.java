package org.simplepush.server;

import org.jspecify.annotations.Nullable;
import org.simplepush.server.internal.session.WakeUpSettings;

/** What settings keep to themselves, for tests of other packages. */
public final class Internals {
  private Internals() {}

  /** Returns what is set, or null if nothing is. */
  public static @Nullable WakeUpSettings of(@Nullable WakeUp wakeUp) {
    return wakeUp == null ? null : wakeUp.settings();
  }
}
