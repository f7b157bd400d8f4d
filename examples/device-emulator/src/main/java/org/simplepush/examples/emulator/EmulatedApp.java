package org.simplepush.examples.emulator;

import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.Notifier;
import org.simplepush.appserver.Verdict;
import org.simplepush.client.PushException;
import org.simplepush.client.PushHandler;
import org.simplepush.client.PushManager;
import org.simplepush.client.PushMessage;
import org.simplepush.client.PushRegisterHandler;
import org.simplepush.client.PushRegistration;
import org.simplepush.client.RegisteredHandler;

/**
 * An application on a device and its application server, which is why it can be told at once what
 * it knows and what it should know. Thread-safe.
 */
final class EmulatedApp implements PushHandler, PushRegisterHandler, RegisteredHandler {
  private static final String TAG = "emulator";

  /** A version that the application does not know yet. */
  private record Published(long version, long at) {}

  private final String name;
  private final EmulatedDevice device;
  private final Statistics statistics;
  private final Output output;

  // All guarded by this.
  private @Nullable PushManager manager;
  private boolean asked;
  private long askedAt;
  private @Nullable URI endpoint;
  private long latest = -1;
  private long known = -1;
  private final Deque<Published> unknown = new ArrayDeque<>();

  /** Where a version is on its way to; one at a time, so that each is a request of its own. */
  private @Nullable URI sendingTo;

  /** The endpoint that accepted a version last, and the highest one it has accepted. */
  private @Nullable URI acceptedBy;

  private long accepted;

  EmulatedApp(String name, EmulatedDevice device, Statistics statistics, Output output) {
    this.name = name;
    this.device = device;
    this.statistics = statistics;
    this.output = output;
  }

  String name() {
    return name;
  }

  /** The device was switched on: asks it for the endpoint it has, or for a new one. */
  void begin(PushManager newManager) {
    synchronized (this) {
      manager = newManager;
      asked = false;
    }
    var unused =
        newManager
            .registrations()
            .whenComplete(
                (registrations, failure) -> {
                  if (failure == null) {
                    found(newManager, registrations);
                  } else {
                    failed(failure);
                  }
                });
  }

  private void found(PushManager by, List<PushRegistration> registrations) {
    if (registrations.isEmpty()) {
      ask(by);
      return;
    }
    PushRegistration registration = registrations.get(0);
    synchronized (this) {
      known = Math.max(known, registration.version().orElse(-1));
      latest = Math.max(latest, known);
      if (registration.endpoint().equals(endpoint)) {
        return;
      }
      endpointIs(registration.endpoint());
    }
    output.endpoint(device.number(), name, registration.endpoint());
  }

  private void ask(PushManager by) {
    synchronized (this) {
      if (by != manager || asked) {
        return;
      }
      asked = true;
      askedAt = System.nanoTime();
    }
    var unused =
        by.registerWhenPossible(TAG)
            .whenComplete(
                (done, failure) -> {
                  if (failure != null) {
                    failed(failure);
                  }
                });
  }

  /** A device that is switched off aborts what was asked; that is no failure. */
  private void failed(Throwable failure) {
    boolean aborted =
        failure instanceof PushException push && push.kind() == PushException.Kind.ABORT_ERROR;
    if (!aborted) {
      statistics.failures.increment();
    }
  }

  @Override
  public void onRegistered(String tag, URI newEndpoint) {
    long now = System.nanoTime();
    synchronized (this) {
      if (asked) {
        asked = false;
        long since = Math.max(askedAt, device.connectedAt());
        statistics.register.recordValue(Statistics.micros(now - since));
      }
      // From here on versions go to the new endpoint, so none is missed after this look.
      endpointIs(newEndpoint);
      if (known < latest) {
        statistics.learnedBySync.increment();
        known = latest;
        unknown.clear();
      }
    }
    output.endpoint(device.number(), name, newEndpoint);
  }

  private void endpointIs(@Nullable URI now) {
    if ((endpoint == null) != (now == null)) {
      statistics.registered.addAndGet(now == null ? -1 : 1);
    }
    endpoint = now;
  }

  @Override
  public void onPush(PushMessage message) {
    long now = System.nanoTime();
    synchronized (this) {
      known = Math.max(known, message.version());
      latest = Math.max(latest, known); // somebody else may publish, too
      while (!unknown.isEmpty() && unknown.element().version() <= known) {
        statistics.push.recordValue(Statistics.micros(now - unknown.remove().at()));
      }
    }
    statistics.pushes.increment();
    output.push(device.number(), name, message.version());
  }

  @Override
  public void onPushRegister() {
    statistics.pushRegisters.increment();
    PushManager by;
    synchronized (this) {
      endpointIs(null);
      by = manager;
    }
    if (by != null) {
      ask(by);
    }
  }

  /** Its device has lost its storage: the application does not know more than the device. */
  synchronized void forget() {
    known = -1;
    endpointIs(null);
  }

  /** Its application server has something new. */
  void publish(Notifier notifier) {
    synchronized (this) {
      // Grows from run to run, because devices with a storage remember what they knew.
      latest = Math.max(latest + 1, System.currentTimeMillis());
      unknown.add(new Published(latest, System.nanoTime()));
    }
    send(notifier);
  }

  /**
   * Tells the device again of the latest version if it does not know it and the last try failed.
   */
  void publishAgain(Notifier notifier) {
    if (isBehind()) {
      send(notifier);
    }
  }

  /** Sends the latest version now, or after the one that is on its way. */
  private void send(Notifier notifier) {
    URI target;
    long version;
    synchronized (this) {
      if (endpoint == null || endpoint.equals(sendingTo)) {
        return;
      }
      target = endpoint;
      sendingTo = target;
      version = latest;
    }
    send(notifier, target, version);
  }

  private void send(Notifier notifier, URI target, long version) {
    var unused =
        notifier
            .publish(target, version)
            .thenAccept(
                verdict -> {
                  if (verdict instanceof Verdict.Gone) {
                    gone(target);
                  } else if (!(verdict instanceof Verdict.Accepted)) {
                    statistics.publishFailures.increment();
                  }
                  if (sent(target, version, verdict)) {
                    send(notifier);
                  }
                });
  }

  /** Returns whether there is a newer version that can be sent now. */
  private synchronized boolean sent(URI target, long version, Verdict verdict) {
    if (target.equals(sendingTo)) {
      sendingTo = null;
    }
    if (!(verdict instanceof Verdict.Accepted answer)) {
      return false;
    }
    boolean isRepeated = target.equals(acceptedBy) && version <= accepted;
    if (!answer.stale() && !isRepeated) {
      acceptedBy = target;
      accepted = version;
      statistics.published.increment();
    }
    return latest > version;
  }

  synchronized boolean isSending() {
    return sendingTo != null;
  }

  /** The application server forgets an endpoint; the application will bring a new one. */
  private synchronized void gone(URI target) {
    statistics.gone.increment();
    if (target.equals(endpoint)) {
      endpointIs(null);
    }
  }

  synchronized boolean isBehind() {
    return known < latest;
  }

  synchronized boolean isRegistered() {
    return endpoint != null;
  }
}
