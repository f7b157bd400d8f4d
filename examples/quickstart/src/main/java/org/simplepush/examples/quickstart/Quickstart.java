package org.simplepush.examples.quickstart;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.Notifier;
import org.simplepush.appserver.Verdict;
import org.simplepush.client.DeviceStorage;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushHandler;
import org.simplepush.client.PushManager;
import org.simplepush.client.PushMessage;
import org.simplepush.client.PushRegisterHandler;
import org.simplepush.core.StoreException;
import org.simplepush.core.VersionStore;
import org.simplepush.examples.cli.StoreOption;
import org.simplepush.server.PushServer;

/**
 * Runs a push server, a device with two applications, and the application server that wakes them,
 * in one process over real sockets, and prints each step.
 */
public final class Quickstart {
  private static final long PATIENCE_SECONDS = 20;

  /** What the application server knows: the endpoint of each application. */
  private final Map<String, URI> endpoints = new ConcurrentHashMap<>();

  private final Application calendar = new Application("calendar");
  private final Application mail = new Application("mail");
  private int line;

  /** Where the server's versions live. */
  private final String storeName;

  private @Nullable VersionStore store;

  private Quickstart(String storeName) {
    this.storeName = storeName;
  }

  /**
   * Runs all steps. Ends with exit code 1 if one did not happen as expected.
   *
   * @param args where the server's versions live: {@code memory}, which is the default, {@code
   *     sqlite:PATH} or {@code redis://HOST:PORT}
   */
  public static void main(String[] args) throws Exception {
    String name = args.length == 0 ? "memory" : args[0];
    try {
      StoreOption.check(name);
      new Quickstart(name).run();
    } catch (IllegalArgumentException e) {
      end("The store " + e.getMessage());
    } catch (IOException | StoreException e) {
      end(String.valueOf(e.getMessage())); // a sentence that says what is wrong with the store
    }
  }

  private static void end(String sentence) {
    System.err.println(sentence);
    System.exit(1);
  }

  /** An application on the device; it records what it is woken with. */
  private static final class Application implements PushHandler, PushRegisterHandler {
    private final String name;
    private final BlockingQueue<String> woken = new LinkedBlockingQueue<>();

    private Application(String name) {
      this.name = name;
    }

    @Override
    public void onPush(PushMessage message) {
      woken.add("version " + message.version());
    }

    @Override
    public void onPushRegister() {
      woken.add("push-register");
    }

    /** Waits for the next message; it must be this one. */
    private void expect(String message) throws InterruptedException {
      String came = woken.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
      if (!message.equals(came)) {
        throw new IllegalStateException(name + " expected " + message + " but got " + came);
      }
    }
  }

  private void run() throws Exception {
    PushServer server = startServer(0, 0);
    int port = server.port();
    int endpointPort = server.endpointPort();
    say("A push server listens for devices at " + server.webSocketUri());
    DeviceStorage storage = DeviceStorage.inMemory();
    try (Notifier notifier = newNotifier()) {
      try (PushClient device = startDevice(server.webSocketUri(), storage)) {
        register(device.application("calendar", calendar));
        register(device.application("mail", mail));
        say("A device holds one connection; its calendar and its mail each have an endpoint");

        publish(notifier, "calendar", 1);
        calendar.expect("version 1");
        say("The application server published calendar 1; calendar was woken with it");

        publish(notifier, "mail", 10);
        mail.expect("version 10");
        say("It published mail 10; mail was woken, calendar slept on");
      }
      say("The device goes away");

      publish(notifier, "calendar", 2);
      publish(notifier, "calendar", 3);
      publish(notifier, "calendar", 4);
      say("The application server published calendar 2, 3 and 4; each was accepted");

      try (PushClient device = startDevice(server.webSocketUri(), storage)) {
        PushManager calendarPush = device.application("calendar", calendar);
        PushManager mailPush = device.application("mail", mail);
        calendar.expect("version 4");
        say("The device is back; calendar was woken once, with 4: versions collapse");

        stop(server);
        server = startServer(port, endpointPort);
        if (storeName.equals("memory")) {
          say("The push server was restarted and lost its state");
          showLoss(notifier, calendarPush, mailPush);
        } else {
          say("The push server was restarted; its store kept everything");
          publish(notifier, "calendar", 5);
          calendar.expect("version 5");
          say(
              "No application had to register again: calendar was woken with 5, through its old endpoint");
        }
      }
    } finally {
      stop(server);
    }
    require(calendar.woken.isEmpty() && mail.woken.isEmpty(), "a message too many came");
    say("Nothing was lost and nothing came twice");
  }

  private void showLoss(Notifier notifier, PushManager calendarPush, PushManager mailPush)
      throws Exception {
    calendar.expect("push-register");
    mail.expect("push-register");
    say("The device noticed it; both applications were asked to register again");

    Verdict old = notifier.publish(endpoint("calendar"), 5).get();
    require(old instanceof Verdict.Gone, "the old endpoint should be gone, but: " + old);
    register(calendarPush);
    register(mailPush);
    publish(notifier, "calendar", 5);
    calendar.expect("version 5");
    say("The old endpoint is gone, the new one works: calendar was woken with 5");
  }

  private PushServer startServer(int port, int endpointPort) throws Exception {
    store = StoreOption.open(storeName);
    return PushServer.builder().port(port).endpointPort(endpointPort).store(store).build().start();
  }

  private void stop(PushServer server) {
    server.close();
    if (store != null) {
      store.close(); // the server does not close a store that was handed in
    }
  }

  private static PushClient startDevice(URI server, DeviceStorage storage) throws Exception {
    return PushClient.builder(server)
        .storage(storage)
        .backoff(Duration.ofMillis(100), Duration.ofSeconds(1))
        .build()
        .start();
  }

  private static Notifier newNotifier() {
    // Endpoints on this machine are refused unless their host is permitted.
    return Notifier.builder().permitHost("127.0.0.1").build();
  }

  /**
   * Does what every application does: registers an endpoint and gives it to its application server.
   */
  private void register(PushManager application) throws Exception {
    URI endpoint = application.register().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    endpoints.put(application.applicationId(), endpoint);
  }

  private URI endpoint(String application) {
    return Objects.requireNonNull(endpoints.get(application), "registered before");
  }

  private void publish(Notifier notifier, String application, long version) throws Exception {
    Verdict verdict =
        notifier.publish(endpoint(application), version).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    require(verdict instanceof Verdict.Accepted, application + " " + version + ": " + verdict);
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new IllegalStateException(otherwise);
    }
  }

  private void say(String sentence) {
    line++;
    System.out.printf("%2d  %s.%n", line, sentence);
  }
}
