package org.simplepush.server.internal.session;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.CloseCode;
import org.simplepush.core.Uaid;

/**
 * Leaves one device to sleep when it has been quiet for long enough (protocol §9). A connection has
 * none unless its device may sleep.
 */
final class SleepWatch {
  private final Sleepers sleepers;

  /** Null if the device has changed its mind. */
  private @Nullable InetSocketAddress address;

  /** When something was last said by either side. */
  private long lastTraffic;

  /** The device while it is about to fall asleep. */
  private Sleepers.@Nullable Sleeper sleeper;

  SleepWatch(Sleepers sleepers, long now) {
    this.sleepers = sleepers;
    this.lastTraffic = now;
  }

  /** The device can be woken there; null if it wants to stay connected. */
  void address(@Nullable InetSocketAddress address) {
    this.address = address;
  }

  void traffic(long now) {
    lastTraffic = now;
  }

  /** The device may have been quiet for long enough. Returns false if it must not sleep at all. */
  boolean onQuiet(Conversation on, Session session) {
    if (address == null) {
      return false;
    }
    long quietNanos = sleepers.quietNanos();
    long left = quietNanos - (on.wire().now() - lastTraffic);
    if (left > 0) {
      on.wire().startTimer(Wire.Timer.QUIET, left);
    } else if (on.isBusy() || session.isOutstanding() || !fallAsleep(on, session, address)) {
      on.wire().startTimer(Wire.Timer.QUIET, quietNanos);
    }
    return true;
  }

  /**
   * Enters the device among the sleepers, and then asks the store: a version is in its answer, or
   * handed to the session, or its publisher finds the sleeper. Returns false if the device may not
   * sleep now.
   */
  private boolean fallAsleep(Conversation on, Session session, InetSocketAddress to) {
    sleeper = sleepers.add(session.uaid(), to, session.standing());
    if (sleeper == null) {
      return false;
    }
    if (!session.isLive()) {
      stayAwake(session.uaid());
      return false;
    }
    session.compare(
        (pending, failure) -> {
          if (pending == null) {
            on.storeFailed("falling asleep", failure);
          } else {
            session.reconcile(pending);
          }
          if (on.isClosed()) {
            return; // it was closed while it was sent something
          }
          if (pending == null || session.isOutstanding()) {
            stayAwake(session.uaid());
            on.wire().startTimer(Wire.Timer.QUIET, sleepers.quietNanos());
          } else {
            sleeper = null; // it stays among the sleepers
            on.close(CloseCode.WAKE_UP, "wait for a datagram");
          }
        });
    return true;
  }

  /** The device does not fall asleep after all, if it was about to. */
  void stayAwake(Uaid uaid) {
    if (sleeper != null) {
      sleepers.remove(uaid, sleeper);
      sleeper = null;
    }
  }
}
