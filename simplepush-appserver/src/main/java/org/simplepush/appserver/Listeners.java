package org.simplepush.appserver;

import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls the listeners of a user, and survives what they throw. */
final class Listeners {
  private static final Logger log = LoggerFactory.getLogger(Listeners.class);

  private final List<NotifierListener> all;

  Listeners(List<NotifierListener> all) {
    this.all = List.copyOf(all);
  }

  boolean isEmpty() {
    return all.isEmpty();
  }

  void tell(Consumer<NotifierListener> event) {
    for (NotifierListener listener : all) {
      try {
        event.accept(listener);
      } catch (RuntimeException | Error e) { // must not keep a verdict back
        Faults.warn(log, "A notifier listener threw", e);
      }
    }
  }
}
