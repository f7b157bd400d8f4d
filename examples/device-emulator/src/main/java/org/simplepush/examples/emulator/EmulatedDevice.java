package org.simplepush.examples.emulator;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.ConnectionListener;
import org.simplepush.client.DeviceStorage;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushManager;

/** A device with its applications, which can be switched off and on. Thread-safe. */
final class EmulatedDevice {
  private final int number;
  private final Supplier<PushClient.Builder> builders;
  private final OkHttpClient http;
  private final Network network = new Network();
  private final @Nullable Path file;
  private final List<EmulatedApp> apps = new ArrayList<>();
  private final Statistics statistics;
  private final Outages outages;
  private final Output output;

  /** Read by applications that hold their own lock, which this device takes inside its own. */
  private volatile long connectedAt = System.nanoTime();

  // All guarded by this.
  private DeviceStorage storage;
  private @Nullable PushClient client;
  private @Nullable Listener listener;
  private boolean connected;
  private boolean isLost;
  private long lostAt;

  /**
   * @param folder where it keeps its state, or null: in memory
   * @param http whose settings it uses
   */
  EmulatedDevice(
      int number,
      int applications,
      Supplier<PushClient.Builder> builders,
      OkHttpClient http,
      @Nullable Path folder,
      Statistics statistics,
      Outages outages,
      Output output) {
    this.number = number;
    this.builders = builders;
    this.http = http.newBuilder().socketFactory(network).build();
    this.file =
        folder == null
            ? null
            : folder.resolve(String.format(Locale.ROOT, "device-%05d.state", number));
    this.statistics = statistics;
    this.outages = outages;
    this.output = output;
    this.storage = newStorage();
    for (int i = 1; i <= applications; i++) {
      apps.add(new EmulatedApp("app-" + i, this, statistics, output));
    }
  }

  private DeviceStorage newStorage() {
    return file == null ? DeviceStorage.inMemory() : DeviceStorage.file(file);
  }

  int number() {
    return number;
  }

  List<EmulatedApp> apps() {
    return apps;
  }

  long connectedAt() {
    return connectedAt;
  }

  synchronized boolean isConnected() {
    return connected;
  }

  synchronized boolean isOn() {
    return client != null;
  }

  /** Switches it on. */
  synchronized void start() throws IOException {
    Listener hears = new Listener();
    PushClient started = builders.get().okHttpClient(http).storage(storage).listener(hears).build();
    List<PushManager> managers = new ArrayList<>();
    for (EmulatedApp app : apps) {
      managers.add(started.application(app.name(), app));
    }
    started.start();
    client = started;
    listener = hears;
    for (int i = 0; i < apps.size(); i++) {
      apps.get(i).begin(managers.get(i));
    }
  }

  /** Switches it off; it keeps its storage. Completes when it is off. */
  CompletableFuture<Void> stop() {
    PushClient last;
    synchronized (this) {
      last = client;
      client = null;
      listener = null;
      connectedIs(false);
      if (isLost) {
        isLost = false;
        outages.switchedOff(System.nanoTime());
      }
    }
    return last == null ? CompletableFuture.completedFuture(null) : last.closeAsync();
  }

  /** Empties the storage of a device that is off. */
  synchronized void forget() throws IOException {
    if (file != null) {
      Files.deleteIfExists(file);
    }
    storage = newStorage();
    apps.forEach(EmulatedApp::forget);
  }

  /** Breaks its connection. */
  void drop() {
    network.cut();
  }

  private void connectedIs(boolean now) {
    if (connected != now) {
      connected = now;
      statistics.connected.addAndGet(now ? 1 : -1);
    }
  }

  /** Of one time that the device is on; what comes late from an earlier one does not count. */
  private final class Listener implements ConnectionListener {
    @Override
    public void onConnected() {
      long now = System.nanoTime();
      synchronized (EmulatedDevice.this) {
        if (listener != this) {
          return;
        }
        connectedIs(true);
        connectedAt = now;
        statistics.hello.recordValue(Statistics.micros(now - network.lastAttempt()));
        if (isLost) {
          isLost = false;
          outages.back(now);
          statistics.reconnect.recordValue(Statistics.micros(now - lostAt));
        }
      }
      output.connected(number);
    }

    @Override
    public void onDisconnected(Disconnected event) {
      long now = System.nanoTime();
      boolean isNewReason = false;
      synchronized (EmulatedDevice.this) {
        if (listener != this) {
          return;
        }
        if (connected) {
          connectedIs(false);
          isLost = true;
          lostAt = now;
          outages.lost(now);
          statistics.connectionsLost.increment();
        } else {
          isNewReason = statistics.attemptFailed(event.reason());
        }
      }
      output.disconnected(number, event);
      if (isNewReason) {
        output.cannotConnect(number, event.reason());
      }
    }
  }
}
