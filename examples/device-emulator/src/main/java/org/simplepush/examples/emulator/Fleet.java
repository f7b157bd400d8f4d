package org.simplepush.examples.emulator;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import okhttp3.ConnectionPool;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.Notifier;
import org.simplepush.client.PushClient;
import org.simplepush.examples.cli.StatusLine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Many devices. Switches them on, lets things happen to them for a while, gives each application a
 * last version, and looks whether all have learned it.
 */
final class Fleet {
  private static final Logger log = LoggerFactory.getLogger(Fleet.class);

  private static final int CALLBACK_THREADS = 4;
  private static final int DEVICE_THREADS = 2;
  private static final long TICK_MILLIS = 10;
  private static final long LOOK_MILLIS = 200;

  /** How long the devices may take to learn their last version when the user has no patience. */
  private static final Duration HURRIED = Duration.ofSeconds(3);

  /** How long closing may take; a silent server costs 2 s. */
  private static final Duration CLOSING = Duration.ofSeconds(5);

  /** How often a version is published again whose publishing failed. */
  private static final long AGAIN_MILLIS = 5000;

  /**
   * What is emulated. Rates are per second over all devices; 0 is never.
   *
   * @param duration how long to run, or null to run until a signal
   * @param settle how long the devices may take at the end
   * @param sleepFor the longest sleep
   * @param storage a folder, or null: in memory
   */
  record Settings(
      URI server,
      boolean allowInsecure,
      int devices,
      int apps,
      double startRate,
      double publishRate,
      double dropRate,
      double sleepRate,
      double forgetRate,
      Duration sleepFor,
      @Nullable Duration duration,
      Duration settle,
      Duration ping,
      Duration firstBackoff,
      Duration maxBackoff,
      @Nullable Path storage) {}

  private final Settings settings;
  private final Output output;
  private final @Nullable StatusLine progress;
  private final Statistics statistics = new Statistics();
  private final Outages outages;
  private final List<EmulatedDevice> devices = new ArrayList<>();
  private final List<EmulatedApp> apps = new ArrayList<>();
  private final ExecutorService callbacks =
      Executors.newFixedThreadPool(CALLBACK_THREADS, threads("emulator-callback"));
  private final ScheduledThreadPoolExecutor deviceTimer =
      new ScheduledThreadPoolExecutor(DEVICE_THREADS, threads("emulator-device"));
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(threads("emulator-timer"));
  private final OkHttpClient http =
      new OkHttpClient.Builder().connectionPool(new ConnectionPool(0, 1, TimeUnit.SECONDS)).build();
  private final @Nullable Notifier notifier;
  private final CountDownLatch stop = new CountDownLatch(1);
  private final CountDownLatch finished = new CountDownLatch(1);

  // Confined to the timer.
  private int switchedOn;
  private int nextToPublish;

  private volatile boolean settling;

  /**
   * @param progress where a line is kept up to date, or null
   */
  Fleet(Settings settings, Output output, @Nullable StatusLine progress) {
    this.settings = settings;
    this.output = output;
    this.progress = progress;
    this.outages = new Outages(settings.devices());
    deviceTimer.setRemoveOnCancelPolicy(true);
    this.notifier =
        settings.publishRate() == 0
            ? null
            : Notifier.builder()
                .permitHost(settings.server().getRawAuthority().replaceFirst(":\\d*$", ""))
                .permitHost("127.0.0.1")
                .permitHost("localhost")
                .backoff(Duration.ofMillis(200), Duration.ofSeconds(5))
                .drain(Duration.ZERO)
                .build();
    for (int i = 1; i <= settings.devices(); i++) {
      EmulatedDevice device =
          new EmulatedDevice(
              i,
              settings.apps(),
              this::newClient,
              http,
              settings.storage(),
              statistics,
              outages,
              output);
      devices.add(device);
      apps.addAll(device.apps());
    }
  }

  private static ThreadFactory threads(String name) {
    return task -> {
      Thread thread = new Thread(task, name);
      thread.setDaemon(true);
      return thread;
    };
  }

  private PushClient.Builder newClient() {
    return PushClient.builder(settings.server())
        .allowInsecure(settings.allowInsecure())
        // What can be shared is: a device has one thread of its own, which waits for its server.
        .scheduler(deviceTimer)
        .callbackExecutor(callbacks)
        .pingInterval(settings.ping())
        .backoff(settings.firstBackoff(), settings.maxBackoff());
  }

  /** Ends the run early; returns when the summary is out, or after a while. */
  void interrupt() throws InterruptedException {
    stop.countDown();
    if (!finished.await(HURRIED.plus(CLOSING).toSeconds() + 2, TimeUnit.SECONDS)) {
      log.warn("The devices take too long to close");
    }
  }

  /** Runs to the end. */
  Summary run() throws InterruptedException {
    long began = System.nanoTime();
    Pace starts = new Pace(settings.startRate(), began);
    Pace publishes = new Pace(settings.publishRate(), began);
    Pace drops = new Pace(settings.dropRate(), began);
    Pace sleeps = new Pace(settings.sleepRate(), began);
    Pace forgets = new Pace(settings.forgetRate(), began);
    ScheduledFuture<?> ticks =
        timer.scheduleWithFixedDelay(
            () -> guarded(() -> tick(starts, publishes, drops, sleeps, forgets)),
            0,
            TICK_MILLIS,
            TimeUnit.MILLISECONDS);
    ScheduledFuture<?> again =
        timer.scheduleWithFixedDelay(
            () -> guarded(this::publishAgain), AGAIN_MILLIS, AGAIN_MILLIS, TimeUnit.MILLISECONDS);
    try {
      runFor(began);
      settle(began);
      Summary summary = summarise();
      output.summary(summary);
      return summary;
    } finally {
      ticks.cancel(false);
      again.cancel(false);
      close();
      finished.countDown();
    }
  }

  /** A task that throws would not be run again. */
  private void guarded(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      statistics.failures.increment();
      log.error("The emulator itself has failed", e);
    }
  }

  private void runFor(long began) throws InterruptedException {
    long end = settings.duration() == null ? Long.MAX_VALUE : settings.duration().toNanos();
    while (System.nanoTime() - began < end && !stop.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
      show(began);
      if (output.isBroken()) {
        return;
      }
    }
  }

  private void tick(Pace starts, Pace publishes, Pace drops, Pace sleeps, Pace forgets) {
    long now = System.nanoTime();
    for (int due = starts.due(now); due > 0 && switchedOn < devices.size(); due--) {
      start(devices.get(switchedOn++));
    }
    int toPublish = publishes.due(now);
    int toDrop = drops.due(now);
    int toSleep = sleeps.due(now);
    int toForget = forgets.due(now);
    if (settling) {
      return;
    }
    if (notifier != null) {
      for (; toPublish > 0; toPublish--) {
        apps.get(nextToPublish).publish(notifier);
        nextToPublish = (nextToPublish + 1) % apps.size();
      }
    }
    for (; toDrop > 0; toDrop--) {
      EmulatedDevice device = anyConnected();
      if (device != null) {
        device.drop();
        statistics.dropped.increment();
      }
    }
    for (; toSleep > 0; toSleep--) {
      EmulatedDevice device = anyConnected();
      if (device != null) {
        sleep(device);
      }
    }
    for (; toForget > 0; toForget--) {
      EmulatedDevice device = anyConnected();
      if (device != null) {
        forget(device);
      }
    }
  }

  /** Returns null if it does not find one soon. */
  private @Nullable EmulatedDevice anyConnected() {
    for (int attempt = 0; attempt < 10; attempt++) {
      EmulatedDevice device = devices.get(ThreadLocalRandom.current().nextInt(devices.size()));
      if (device.isConnected()) {
        return device;
      }
    }
    return null;
  }

  private void start(EmulatedDevice device) {
    try {
      device.start();
    } catch (IOException e) {
      statistics.failures.increment();
      log.error("Device {} cannot start: {}", device.number(), e.getMessage());
    }
  }

  private void sleep(EmulatedDevice device) {
    statistics.slept.increment();
    long millis = ThreadLocalRandom.current().nextLong(settings.sleepFor().toMillis() + 1);
    var unused =
        device
            .stop()
            .thenRun(
                () -> {
                  var unusedTask =
                      timer.schedule(
                          () -> guarded(() -> start(device)), millis, TimeUnit.MILLISECONDS);
                });
  }

  private void forget(EmulatedDevice device) {
    statistics.forgot.increment();
    var unused =
        device
            .stop()
            .thenRunAsync(
                () -> {
                  try {
                    device.forget();
                  } catch (IOException e) {
                    statistics.failures.increment();
                    log.error("Device {} cannot forget: {}", device.number(), e.getMessage());
                  }
                  start(device);
                },
                timer);
  }

  private void publishAgain() {
    if (notifier != null && statistics.publishFailures.sum() > 0) {
      apps.forEach(app -> app.publishAgain(notifier));
    }
  }

  /** Nothing happens any more but one last version for each application. */
  private void settle(long began) throws InterruptedException {
    settling = true;
    boolean hurried = stop.getCount() == 0 || output.isBroken();
    Notifier publisher = hurried ? null : notifier;
    CompletableFuture<Void> lastWord =
        CompletableFuture.runAsync(
            () -> {
              if (publisher != null) {
                apps.forEach(app -> app.publish(publisher));
              }
            },
            timer);
    long until = System.nanoTime() + (hurried ? HURRIED : settings.settle()).toNanos();
    while (System.nanoTime() - until < 0 && !(lastWord.isDone() && isGood() && !isSending())) {
      show(began);
      if (hurried) {
        TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
      } else if (stop.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
        hurried = true;
        until = Math.min(until, System.nanoTime() + HURRIED.toNanos());
      }
    }
    if (progress != null) {
      progress.clear();
    }
  }

  /** Whether a request is under way: what it comes to is not counted yet. */
  private boolean isSending() {
    return apps.stream().anyMatch(EmulatedApp::isSending);
  }

  private boolean isGood() {
    return statistics.connected.get() == devices.size()
        && statistics.registered.get() == apps.size()
        && behind() == 0;
  }

  private int behind() {
    int behind = 0;
    for (EmulatedApp app : apps) {
      if (app.isBehind()) {
        behind++;
      }
    }
    return behind;
  }

  private Summary summarise() {
    int asleep = 0;
    for (EmulatedDevice device : devices) {
      if (!device.isOn()) {
        asleep++;
      }
    }
    boolean isGood = isGood() && statistics.failures.sum() == 0;
    return new Summary(isGood, devices.size(), apps.size(), asleep, behind(), statistics, outages);
  }

  private void show(long began) {
    if (progress == null) {
      return;
    }
    progress.show(
        String.format(
            Locale.ROOT,
            "%,5d s  %,d of %,d connected, %,d of %,d registered, %,d behind, %,d pushes"
                + " (p50 %.1f ms, p99 %.1f ms)",
            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began),
            statistics.connected.get(),
            devices.size(),
            statistics.registered.get(),
            apps.size(),
            behind(),
            statistics.pushes.sum(),
            statistics.push.getValueAtPercentile(50) / 1e3,
            statistics.push.getValueAtPercentile(99) / 1e3));
  }

  private void close() throws InterruptedException {
    timer.shutdownNow();
    if (notifier != null) {
      notifier.close();
    }
    CompletableFuture<?>[] closing =
        devices.stream().map(EmulatedDevice::stop).toArray(CompletableFuture<?>[]::new);
    try {
      CompletableFuture.allOf(closing).get(CLOSING.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      log.warn("Some devices did not close in time; their connections end with the process");
    } catch (ExecutionException e) {
      throw new IllegalStateException("A device cannot be closed", e.getCause());
    } finally {
      deviceTimer.shutdownNow();
      callbacks.shutdown();
    }
  }
}
