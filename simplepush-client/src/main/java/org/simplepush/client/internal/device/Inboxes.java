package org.simplepush.client.internal.device;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.random.RandomGenerator;
import org.simplepush.client.internal.run.Loop;

/** An inbox for each application. Confined to the loop. */
final class Inboxes {
  private final Loop loop;
  private final Executor callbacks;
  private final RandomGenerator random;
  private final Inbox.Owner owner;
  private final Map<String, Inbox> inboxes = new HashMap<>();

  Inboxes(Loop loop, Executor callbacks, RandomGenerator random, Inbox.Owner owner) {
    this.loop = loop;
    this.callbacks = callbacks;
    this.random = random;
    this.owner = owner;
  }

  /** Returns the inbox of this application. */
  Inbox of(String application) {
    return inboxes.computeIfAbsent(
        application, id -> new Inbox(id, loop, callbacks, random, owner));
  }

  /** Whether a handler runs, or an application is being started. */
  boolean isBusy() {
    return inboxes.values().stream().anyMatch(Inbox::isBusy);
  }

  /** Hands over nothing more. */
  void stop() {
    inboxes.values().forEach(Inbox::stop);
  }
}
