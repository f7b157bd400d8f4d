package org.simplepush.appserver.testing;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.simplepush.appserver.internal.send.Outcome;
import org.simplepush.appserver.internal.send.SenderListener;

/** Keeps what a sender does. */
public class RecordingListener implements SenderListener {
  /** Nobody listens. */
  public static final SenderListener NOBODY =
      new RecordingListener() {
        @Override
        public boolean isEmpty() {
          return true;
        }
      };

  public record Attempt(String host, int number, int status, Duration took, boolean retried) {}

  public record Delivered(Outcome outcome, Duration took) {}

  public record HostPaused(String host, Duration pause, Duration failing) {}

  public record HostRecovered(String host, Duration failed) {}

  public final List<Attempt> attempts = new ArrayList<>();
  public final List<Delivered> outcomes = new ArrayList<>();
  public final List<HostPaused> pauses = new ArrayList<>();
  public final List<HostRecovered> recoveries = new ArrayList<>();

  @Override
  public boolean isEmpty() {
    return false;
  }

  @Override
  public void attemptEnded(String host, int number, int status, Duration took, boolean retried) {
    attempts.add(new Attempt(host, number, status, took, retried));
  }

  @Override
  public void callEnded(Outcome outcome, Duration took) {
    outcomes.add(new Delivered(outcome, took));
  }

  @Override
  public void hostPaused(String host, Duration pause, Duration failing) {
    pauses.add(new HostPaused(host, pause, failing));
  }

  @Override
  public void hostRecovered(String host, Duration failed) {
    recoveries.add(new HostRecovered(host, failed));
  }
}
