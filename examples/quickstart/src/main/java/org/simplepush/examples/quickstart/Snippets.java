package org.simplepush.examples.quickstart;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.simplepush.appserver.Notifier;
import org.simplepush.appserver.Verdict;
import org.simplepush.client.ApplicationManifest;
import org.simplepush.client.DeviceStorage;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushManager;

/** What README.md shows; the build compiles it here and a test compares. */
abstract class Snippets {
  void device(DeviceStorage storage) throws IOException {
    PushClient device =
        PushClient.builder(URI.create("wss://push.example.org/")).storage(storage).build().start();
    PushManager calendar =
        device.application("calendar", message -> synchronise(message.version()));
    URI endpoint = calendar.register().join();
    tellApplicationServer(endpoint);
  }

  /** What a device can be told to do. */
  PushClient thoroughDevice() throws IOException {
    PushClient device =
        PushClient.builder(URI.create("wss://push.example.org/"))
            .storage(DeviceStorage.file(Path.of("device.state")))
            .launcher(new CommandLineLauncher(Duration.ofMinutes(1)))
            .synchroniseAfter(Duration.ofDays(1))
            .renewEndpoints(Duration.ofDays(30), Duration.ofDays(1))
            .adaptivePingInterval(Duration.ofMinutes(1), Duration.ofMinutes(30))
            .build()
            .start();
    device.install("calendar", ApplicationManifest.of("Calendar", "calendar-sync")).join();
    return device;
  }

  void applicationServer(URI endpoint, long version) {
    try (Notifier notifier = Notifier.create()) {
      Verdict verdict = notifier.notify(endpoint, version).join();
      if (verdict instanceof Verdict.Gone) {
        forget(endpoint); // the application unregistered, or its device is gone
      }
    }
  }

  abstract void synchronise(long version);

  abstract void tellApplicationServer(URI endpoint);

  abstract void forget(URI endpoint);
}
