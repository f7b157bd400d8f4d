package org.simplepush.examples.quickstart;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import javax.crypto.SecretKey;
import javax.sql.DataSource;
import org.simplepush.appserver.JdbcSubscriptions;
import org.simplepush.appserver.Notifier;
import org.simplepush.appserver.Outbox;
import org.simplepush.appserver.Verdict;
import org.simplepush.client.ApplicationManifest;
import org.simplepush.client.DeviceStorage;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushManager;
import org.simplepush.server.Admission.Decision;
import org.simplepush.server.PushServer;

/** The code in the README.md files: the build compiles it here, and DocumentsTest compares. */
abstract class Snippets {
  PushClient device(URI server, DeviceStorage storage) throws IOException {
    PushClient device = PushClient.builder(server).storage(storage).build().start();
    PushManager calendar =
        device.application(
            "calendar",
            message -> synchronise(message.version()),
            (old, endpoint) -> replaceAtApplicationServer(old, endpoint));
    URI endpoint = calendar.register().join();
    tellApplicationServer(endpoint);
    return device;
  }

  /** Only devices with a token may connect, through a load balancer in front. */
  PushServer guardedServer() throws IOException {
    PushServer server =
        PushServer.builder()
            .trustedProxies("10.0.0.0/8") // X-Forwarded-For and PROXY headers from there count
            .admission(
                request ->
                    request.headers("Authorization").isEmpty()
                        ? CompletableFuture.completedStage(Decision.forbid()) // 403
                        : isKnown(request.headers("Authorization").get(0)) // answers later
                            .thenApply(known -> known ? Decision.admit() : Decision.forbid()))
            .build()
            .start();
    return server;
  }

  /** A device with all that it can do. */
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
      Verdict verdict = notifier.publish(endpoint, version).join();
      if (verdict instanceof Verdict.Gone) {
        forget(endpoint); // the application unregistered, or its device is gone
      }
    }
  }

  void database(
      Notifier notifier,
      DataSource dataSource,
      SecretKey key,
      Connection transaction,
      URI endpoint,
      long version)
      throws SQLException {
    JdbcSubscriptions subscriptions = JdbcSubscriptions.encrypted(dataSource, key);
    subscriptions.createTable();
    subscriptions.add("calendar/42", endpoint); // when a device sends its endpoint
    notifier.publishTopic(subscriptions, "calendar/42", version).join(); // when it changed

    Outbox outbox = Outbox.builder(notifier, dataSource).build();
    outbox.createTable();
    outbox.start();
    outbox.enqueue(transaction, endpoint, version);
    transaction.commit();
    outbox.wake();
  }

  abstract CompletionStage<Boolean> isKnown(String token);

  abstract void synchronise(long version);

  abstract void tellApplicationServer(URI endpoint);

  abstract void replaceAtApplicationServer(URI old, URI endpoint);

  abstract void forget(URI endpoint);
}
