package org.simplepush.client.internal.device;

import java.net.URI;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.run.HandlerThread;
import org.simplepush.client.internal.run.Loop;
import org.simplepush.core.ChannelId;
import org.simplepush.core.internal.Backoff;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What waits for one application: of each channel the latest version, in the order in which the
 * channels got news. Hands over one message at a time, once there is a handler. A message whose
 * handler threw steps aside for a while. Confined to the loop.
 */
final class Inbox {
  private static final Logger log = LoggerFactory.getLogger(Inbox.class);

  private static final Backoff RETRY = new Backoff(Duration.ofSeconds(2), Duration.ofMinutes(5));

  /** How long an application that was started has to attach itself. */
  static final Duration LAUNCH_TIME = Duration.ofSeconds(30);

  /** Hears which messages were handled. */
  interface Owner {
    /** The handler returned normally. */
    void handled(Inbox inbox, Message message);

    /**
     * The application does not handle this kind of message; it waits for one that does. Called when
     * the message comes, and when such an application is attached.
     */
    void ignored(Inbox inbox, Message message);

    /** Whether a message whose handler threw still means anything to the application. */
    boolean isWanted(Inbox inbox, Message message);

    /** The handler returned or threw, and no other one runs. */
    void idle();

    /**
     * A message waits and there is no handler. If the application can be started, it is, and {@link
     * #launched} called; returns false if it cannot.
     */
    boolean launch(Inbox inbox);
  }

  private static final class Waiting {
    Message message;
    int failures;
    Loop.@Nullable Timer retry;

    Waiting(Message message) {
      this.message = message;
    }

    void unpark() {
      if (retry != null) {
        retry.cancel();
        retry = null;
      }
    }
  }

  private final String application;
  private final Loop loop;
  private final Executor callbacks;
  private final RandomGenerator random;
  private final Owner owner;

  private final Map<Object, Waiting> waiting = new LinkedHashMap<>();
  private final Set<ChannelId> held = new HashSet<>();

  /** What the application could do when it was last attached; null if it never was. */
  private @Nullable Handlers handlers;

  private boolean attached;
  private @Nullable Waiting running;

  /** Whether the handler that runs is one of an application that is gone. */
  private boolean isOrphan;

  private boolean stopped;

  private boolean launching;

  /** Since the application began to be started; it may be detached again already. */
  private boolean wasAttached;

  private int launches;
  private Loop.@Nullable Timer relaunch;

  Inbox(String application, Loop loop, Executor callbacks, RandomGenerator random, Owner owner) {
    this.application = application;
    this.loop = loop;
    this.callbacks = callbacks;
    this.random = random;
    this.owner = owner;
  }

  String application() {
    return application;
  }

  /** From now on messages are handed over. */
  void attach(Handlers newHandlers) {
    loop.assertCurrent();
    handlers = newHandlers;
    attached = true;
    wasAttached = launching;
    launches = 0;
    cancelRelaunch();
    for (Waiting known : List.copyOf(waiting.values())) {
      if (isIgnored(known.message)) {
        owner.ignored(this, known.message);
      }
    }
    handOver();
  }

  /** From now on messages wait, or the application is started for them. */
  void detach() {
    loop.assertCurrent();
    attached = false;
    handOver();
  }

  /**
   * Returns what the application can do, or could when it was last attached; null if that is not
   * known.
   */
  @Nullable Handlers handlers() {
    loop.assertCurrent();
    return handlers;
  }

  /** Whether the application takes endpoints in the place of others; false if not known. */
  boolean takesSuccessors() {
    Handlers known = handlers();
    return known != null && known.replaced() != null;
  }

  /** Whether it is known that the application takes no endpoint in the place of another. */
  boolean refusesSuccessors() {
    Handlers known = handlers();
    return known != null && known.replaced() == null;
  }

  /** Whether it is known that the application does not handle messages of this kind. */
  private boolean isIgnored(Message message) {
    return handlers != null && handlers.callFor(message) == null;
  }

  private void cancelRelaunch() {
    if (relaunch != null) {
      relaunch.cancel();
      relaunch = null;
    }
  }

  /** An attempt to start the application has ended; by now it may be attached, or will be. */
  void launched(@Nullable Throwable failure) {
    loop.assertCurrent();
    launching = false;
    if (stopped) {
      owner.idle();
      return;
    }
    if (attached) {
      return;
    }
    if (wasAttached) {
      wasAttached = false;
      handOver();
      return;
    }
    launches++;
    Duration delay = RETRY.delay(launches, random);
    if (failure == null) {
      delay = delay.plus(LAUNCH_TIME);
      log.debug("Application {} was started and is expected to attach", application);
    } else {
      log.warn(
          "Application {} could not be started; next attempt in {}", application, delay, failure);
    }
    relaunch =
        loop.schedule(
            delay,
            () -> {
              relaunch = null;
              handOver();
            });
  }

  /** Takes a message in, unless this or a newer one is here already. */
  void offer(Message message) {
    loop.assertCurrent();
    if (isIgnored(message)) {
      owner.ignored(this, message);
    }
    // A push-register that is being handled says nothing about endpoints lost just now.
    if (running != null && message instanceof Message.Push && isCovered(message, running.message)) {
      return;
    }
    Waiting known = waiting.get(message.key());
    if (known == null) {
      waiting.put(message.key(), new Waiting(message));
    } else if (isCovered(message, known.message)) {
      return;
    } else {
      known.message = message;
      known.unpark(); // what failed was an older version; this one may do
    }
    handOver();
  }

  private static boolean isCovered(Message message, Message known) {
    return message.key().equals(known.key())
        && (!(message instanceof Message.Push news)
            || !(known instanceof Message.Push old)
            || news.version() <= old.version());
  }

  /** Keeps the messages of a channel back until {@link #release}. */
  void hold(ChannelId channelId) {
    loop.assertCurrent();
    held.add(channelId);
  }

  void release(ChannelId channelId) {
    loop.assertCurrent();
    held.remove(channelId);
    handOver();
  }

  /** Drops what waits for a channel; what a handler is busy with is not recalled. */
  void forget(ChannelId channelId) {
    loop.assertCurrent();
    held.remove(channelId);
    forgetKey(channelId);
  }

  /** Drops a message that has not been handed over. */
  void forget(Message message) {
    loop.assertCurrent();
    forgetKey(message.key());
  }

  private void forgetKey(Object key) {
    Waiting gone = waiting.remove(key);
    if (gone != null) {
      gone.unpark();
    }
  }

  /** What waits for a channel is from now on known as another one's. */
  void rename(ChannelId from, ChannelId to, URI endpoint) {
    loop.assertCurrent();
    Waiting known = waiting.remove(from);
    if (known != null && known.message instanceof Message.Push push) {
      known.message = new Message.Push(to, endpoint, push.version(), push.via());
      waiting.put(to, known);
    }
  }

  /**
   * The application is gone, and whatever waits for it. A handler that runs is not interrupted;
   * nobody hears what becomes of it, but the next application of this name is called after it.
   */
  void clear() {
    loop.assertCurrent();
    waiting.values().forEach(Waiting::unpark);
    waiting.clear();
    held.clear();
    handlers = null;
    attached = false;
    isOrphan = running != null;
    wasAttached = launching; // whoever is being started is not waited for
    launches = 0;
    cancelRelaunch();
  }

  /** Hands over nothing more. */
  void stop() {
    loop.assertCurrent();
    stopped = true;
    waiting.values().forEach(Waiting::unpark);
    cancelRelaunch();
  }

  /** Whether there is a message that has not been handed over. */
  boolean isWaiting(Message message) {
    loop.assertCurrent();
    return waiting.containsKey(message.key());
  }

  /** Whether the handler is running with this message. */
  boolean isHandling(Message message) {
    loop.assertCurrent();
    return running != null && !isOrphan && running.message.equals(message);
  }

  /** Whether a handler is running, or the application is being started. */
  boolean isBusy() {
    loop.assertCurrent();
    return running != null || launching;
  }

  private void handOver() {
    if (running != null || stopped) {
      return;
    }
    Waiting next = next();
    if (next == null) {
      return;
    }
    if (attached) {
      waiting.remove(next.message.key());
      running = next;
      run(next);
    } else if (!launching && relaunch == null) {
      launching = owner.launch(this);
    }
  }

  private @Nullable Waiting next() {
    for (Waiting candidate : waiting.values()) {
      boolean isHeld =
          candidate.message.key() instanceof ChannelId channelId && held.contains(channelId);
      if (candidate.retry == null && !isHeld && !isIgnored(candidate.message)) {
        return candidate;
      }
    }
    return null;
  }

  private void run(Waiting next) {
    Message message = next.message;
    Handlers.Call handler =
        Objects.requireNonNull(Objects.requireNonNull(handlers).callFor(message));
    try {
      callbacks.execute(
          () -> {
            Throwable failure = call(handler);
            loop.execute(() -> finished(next, message, failure));
          });
    } catch (RuntimeException | Error e) { // it takes no more, or there is no thread to be had
      loop.execute(() -> finished(next, message, e));
    }
  }

  private static @Nullable Throwable call(Handlers.Call handler) {
    HandlerThread.enter();
    try {
      handler.run();
      return null;
    } catch (Throwable e) { // whatever it was: it was not handled
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      return e;
    } finally {
      HandlerThread.leave();
    }
  }

  private void finished(Waiting done, Message message, @Nullable Throwable failure) {
    running = null;
    try {
      if (isOrphan) {
        isOrphan = false;
      } else if (failure == null) {
        owner.handled(this, message);
      } else {
        failed(done, message, failure);
      }
    } finally { // whatever became of this one, the next is handed over
      handOver();
      if (running == null) {
        owner.idle();
      }
    }
  }

  private void failed(Waiting done, Message message, Throwable failure) {
    if (stopped || waiting.containsKey(message.key()) || !owner.isWanted(this, message)) {
      log.warn("The handler of application {} failed", application, failure);
      return; // the server offers it again, a newer one is here already, or it is unregistered
    }
    done.failures++;
    Duration delay = RETRY.delay(done.failures, random);
    log.warn(
        "The handler of application {} failed; it is called again in {}",
        application,
        delay,
        failure);
    waiting.put(message.key(), done);
    done.retry =
        loop.schedule(
            delay,
            () -> {
              done.retry = null;
              handOver();
            });
  }
}
