package org.simplepush.server.testing;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.simplepush.core.ClientMessage;
import org.simplepush.server.EndpointHandler;

/**
 * A push server for tests, over real sockets of this machine. It is a real push server whose
 * answers a test can watch and replace: tokens, bodies, statuses and collapse are the real ones.
 *
 * <p>For an application server it hands out endpoints and tells what was published to them:
 *
 * <pre>{@code
 * @RegisterExtension final FakePushServer push = new FakePushServer();
 *
 * @Test
 * void savedCalendarWakesItsDevice() throws Exception {
 *   URI endpoint = push.endpoint();
 *   push.answerNext(Answer.status(503).retryAfter(Duration.ofSeconds(1)));
 *   calendars.subscribe("work", endpoint);
 *   calendars.save("work", 7);
 *   assertThat(push.published(endpoint)).hasValue(7);
 * }
 * }</pre>
 *
 * <p>For a device it is where to connect to, and what goes wrong:
 *
 * <pre>{@code
 * PushClient device = PushClient.builder(push.webSocketUri()).build().start();
 * DeviceConnection connection = push.accept();
 * push.refuseNext(ClientMessage.Type.REGISTER, 503);
 * ...
 * connection.drop();
 * push.loseState();
 * }</pre>
 *
 * <p>As a static field it runs from before the first test of the class to after the last, and
 * forgets between tests what was scripted and what came; as an instance field it runs for one test.
 * Without JUnit's life cycle, call {@link #start} and {@link #close}. Endpoints are plain {@code
 * http} on {@code 127.0.0.1}: a Notifier needs {@code permitHost("127.0.0.1")}. Where the real
 * server would wait long for the patience of a test, this one does not: devices may ping as often
 * as they like, and an update that was not acknowledged is repeated after a second.
 *
 * <p>Safe for use by many threads. What waits, waits up to 10 s, or as long as {@link #patience}
 * says.
 *
 * @since 0.1
 */
public final class FakePushServer
    implements BeforeAllCallback,
        BeforeEachCallback,
        AfterEachCallback,
        AfterAllCallback,
        AutoCloseable {
  private volatile Duration patience = Duration.ofSeconds(10);
  private volatile @Nullable Run run;

  /** How many nested classes of tests are running. */
  private int classes;

  /** Creates a server that is not yet started. */
  public FakePushServer() {}

  /**
   * How long to wait for what a test expects. Default 10 s. Takes effect at the next start.
   *
   * @throws IllegalArgumentException if not positive
   */
  public FakePushServer patience(Duration patience) {
    if (patience.isNegative() || patience.isZero()) {
      throw new IllegalArgumentException("patience must be positive, but was " + patience);
    }
    this.patience = patience;
    return this;
  }

  // Start and stop

  /**
   * Starts to serve on a free port.
   *
   * @return this
   * @throws IllegalStateException if it runs
   */
  public synchronized FakePushServer start() throws IOException {
    if (run != null) {
      throw new IllegalStateException("The fake push server runs already");
    }
    run = new Run(patience);
    return this;
  }

  /** Ends every connection and forgets everything. It may be started again, on another port. */
  @Override
  public synchronized void close() throws IOException {
    Run ending = run;
    run = null;
    if (ending != null) {
      ending.close();
    }
  }

  @Override
  public synchronized void beforeAll(ExtensionContext context) throws IOException {
    if (classes++ == 0) {
      start();
    }
  }

  @Override
  public synchronized void beforeEach(ExtensionContext context) throws IOException {
    Run current = run;
    if (current == null) {
      start();
    } else {
      current.script.reset();
      current.mailboxes.reset();
      current.greeted.clear();
    }
  }

  @Override
  public synchronized void afterEach(ExtensionContext context) throws IOException {
    if (classes == 0) {
      close();
    }
  }

  @Override
  public synchronized void afterAll(ExtensionContext context) throws IOException {
    if (--classes == 0) {
      close();
    }
  }

  private Run run() {
    Run current = run;
    if (current == null) {
      throw new IllegalStateException(
          "The fake push server does not run; register it as an extension, or start it");
    }
    return current;
  }

  // Application servers

  /**
   * Returns a new endpoint, whose device is away.
   *
   * @throws IllegalStateException if the server does not run
   */
  public URI endpoint() throws IOException {
    return endpoints(1).get(0);
  }

  /**
   * Returns new endpoints.
   *
   * @throws IllegalStateException if the server does not run
   */
  public List<URI> endpoints(int count) throws IOException {
    List<URI> endpoints = new ArrayList<>();
    while (endpoints.size() < count) {
      int some = Math.min(count - endpoints.size(), HouseDevice.MAX_CHANNELS);
      endpoints.addAll(HouseDevice.register(run().real.port(), some));
    }
    return endpoints;
  }

  /**
   * Returns an endpoint that looks like the others but was never handed out: it answers 404.
   *
   * @throws IllegalStateException if the server does not run
   */
  public URI unknownEndpoint() {
    return run().endpointUrl().resolve("/update/" + "A".repeat(64));
  }

  /**
   * Returns the next version that was published to this endpoint, in the order in which requests
   * were answered with 200, and waits for it if need be. Empty if the request left the choice to
   * the server. A version that is no higher than one before is accepted too, and so returned.
   *
   * @throws AssertionError if none comes in time
   * @throws IllegalArgumentException if it is not an endpoint of this server
   */
  public OptionalLong published(URI endpoint) throws InterruptedException {
    Mailbox mailbox = mailbox(endpoint);
    OptionalLong version = mailbox.take(patience);
    if (version == null) {
      throw new AssertionError(
          "Nothing more was published within %s to %s; requests for it: %d"
              .formatted(patience, endpoint, mailbox.requests()));
    }
    return version;
  }

  /**
   * Checks that {@link #published} has returned all that was published so far, to any endpoint. It
   * does not wait: first wait for something that must come later, or close your notifier.
   *
   * @throws AssertionError if it has not
   */
  public void assertNothingMore() {
    List<String> more = new ArrayList<>();
    run()
        .mailboxes
        .forEach(
            (path, mailbox) -> {
              for (OptionalLong version : mailbox.untaken()) {
                String what = version.isPresent() ? "version " + version.getAsLong() : "no version";
                more.add(what + " to " + path);
              }
            });
    if (!more.isEmpty()) {
      throw new AssertionError("More was published: " + String.join(", ", more));
    }
  }

  /**
   * Returns how many requests came to this endpoint so far, whatever the answer.
   *
   * @throws IllegalArgumentException if it is not an endpoint of this server
   */
  public int requests(URI endpoint) {
    return mailbox(endpoint).requests();
  }

  /**
   * Waits until this many requests came to this endpoint, counted from the start of the test; they
   * need not be answered yet.
   *
   * @throws AssertionError if they do not come in time
   * @throws IllegalArgumentException if it is not an endpoint of this server
   */
  public void awaitRequests(URI endpoint, int count) throws InterruptedException {
    if (!mailbox(endpoint).awaitRequests(count, patience)) {
      throw new AssertionError(
          "%d requests came within %s to %s, not %d"
              .formatted(requests(endpoint), patience, endpoint, count));
    }
  }

  /** The next requests, to whichever endpoint, are answered so, one after the other. */
  public void answerNext(Answer... answers) {
    run().mailboxes.answerNext(List.of(answers));
  }

  /** The next {@code count} requests, to whichever endpoint, are answered so. */
  public void answerNext(int count, Answer answer) {
    run().mailboxes.answerNext(Collections.nCopies(count, answer));
  }

  /**
   * The next requests to this endpoint are answered so, one after the other. This goes before what
   * is wanted for all endpoints.
   *
   * @throws IllegalArgumentException if it is not an endpoint of this server
   */
  public void answerNext(URI endpoint, Answer... answers) {
    mailbox(endpoint).answerNext(List.of(answers));
  }

  /**
   * From now on all requests to this endpoint are answered so; {@link Answer#asUsual} undoes it.
   * What was wanted for its next requests is forgotten.
   *
   * @throws IllegalArgumentException if it is not an endpoint of this server
   */
  public void answerAlways(URI endpoint, Answer answer) {
    mailbox(endpoint).answerAlways(answer.isPlain() ? null : answer);
  }

  private Mailbox mailbox(URI endpoint) {
    if (!endpoint.toString().startsWith(run().endpointUrl() + "/")) {
      throw new IllegalArgumentException(
          "Not an endpoint of this server, which begin with " + run().endpointUrl());
    }
    return run().mailboxes.of(endpoint.getRawPath());
  }

  // Devices

  /**
   * Returns where devices connect to.
   *
   * @throws IllegalStateException if the server does not run
   */
  public URI webSocketUri() {
    return run().webSocketUri();
  }

  /**
   * Returns the next connection of a device, as soon as its hello was answered, or ignored as
   * scripted.
   *
   * @throws AssertionError if none comes in time
   */
  public DeviceConnection accept() throws InterruptedException {
    DeviceConnection connection = run().greeted.poll(patience.toNanos(), TimeUnit.NANOSECONDS);
    if (connection == null) {
      throw new AssertionError("No device connected and said hello within " + patience);
    }
    return connection;
  }

  /**
   * Publishes a version to an endpoint, as an application server does; its device learns of it.
   * {@link #published} does not return it. After {@link Long#MAX_VALUE} the endpoint is poisoned
   * (protocol §12): every lower version is accepted as stale and delivers nothing.
   *
   * @return the status, 200 if it was accepted
   * @throws IllegalArgumentException if it is not an endpoint of this server
   */
  public int publish(URI endpoint, long version) {
    mailbox(endpoint); // the check
    byte[] body = ("version=" + version).getBytes(StandardCharsets.US_ASCII);
    EndpointHandler.Request request =
        new PlainRequest("PUT", endpoint.getRawPath(), null, Map.of(), ByteBuffer.wrap(body));
    return run().real.endpointHandler().handle(request).toCompletableFuture().join().status();
  }

  /**
   * The next message of this type, of whichever device, is answered with an error (protocol §7) and
   * otherwise without effect.
   *
   * @param type one that has an answer: hello, register or unregister
   * @param status such as 503; to a hello also 429, to a register also 409
   */
  public void refuseNext(ClientMessage.Type type, int status) {
    if (status < 400 || status > 599) {
      throw new IllegalArgumentException("An error is 400 to 599, but was " + status);
    }
    run().script.answerNext(type, status);
  }

  /** The next message of this type, of whichever device, is read and gets no answer. */
  public void ignoreNext(ClientMessage.Type type) {
    run().script.answerNext(type, DeviceScript.IGNORE);
  }

  /**
   * From now on new connections of devices are refused with this HTTP status, such as 503; those
   * that are open stay. See {@link #acceptConnections}.
   *
   * @param status 300 to 599
   */
  public void refuseConnections(int status) {
    if (status < 300 || status > 599) {
      throw new IllegalArgumentException("A refusal is 300 to 599, but was " + status);
    }
    run().script.answerHandshakes(status);
  }

  /** Ends what {@link #refuseConnections} began. */
  public void acceptConnections() {
    run().script.answerHandshakes(0);
  }

  /**
   * Forgets every device and endpoint, as a server that was restarted without its store, and closes
   * the connections with 1001. Endpoints answer 410; a device that says hello again is given
   * another UAID and learns so that all it had is gone (protocol §2).
   */
  public void loseState() {
    Run current = run();
    current.store.expire(Duration.ZERO).toCompletableFuture().join();
    current.sendDevicesAway();
  }
}
