package org.simplepush.appserver;

import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.simplepush.appserver.internal.Faults;
import org.simplepush.appserver.internal.send.Outcome;
import org.simplepush.appserver.internal.send.SenderListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls the listeners of a user with what a sender does. Logs what they throw. */
final class Listeners implements SenderListener {
  private static final Logger log = LoggerFactory.getLogger(Listeners.class);

  private final List<NotifierListener> all;

  Listeners(List<NotifierListener> all) {
    this.all = List.copyOf(all);
  }

  @Override
  public boolean isEmpty() {
    return all.isEmpty();
  }

  @Override
  public void attemptEnded(String host, int number, int status, Duration took, boolean retried) {
    NotifierListener.Attempt event =
        new NotifierListener.Attempt(host, number, status, took, retried);
    call(listener -> listener.onAttempt(event));
  }

  @Override
  public void callEnded(Outcome outcome, Duration took) {
    NotifierListener.Delivered event =
        new NotifierListener.Delivered(Adapters.verdict(outcome), took);
    call(listener -> listener.onVerdict(event));
  }

  @Override
  public void hostPaused(String host, Duration pause, Duration failing) {
    NotifierListener.HostPaused event = new NotifierListener.HostPaused(host, pause, failing);
    call(listener -> listener.onHostPaused(event));
  }

  @Override
  public void hostRecovered(String host, Duration failed) {
    NotifierListener.HostRecovered event = new NotifierListener.HostRecovered(host, failed);
    call(listener -> listener.onHostRecovered(event));
  }

  private void call(Consumer<NotifierListener> event) {
    for (NotifierListener listener : all) {
      try {
        event.accept(listener);
      } catch (RuntimeException | Error e) { // must not keep the other listeners from the event
        Faults.warn(log, "A notifier listener threw", e);
      }
    }
  }
}
