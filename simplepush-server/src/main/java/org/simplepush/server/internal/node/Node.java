package org.simplepush.server.internal.node;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.StoreException;
import org.simplepush.core.VersionStore;
import org.simplepush.server.EndpointHandler;
import org.simplepush.server.EndpointServer;
import org.simplepush.server.internal.ClientAddresses;
import org.simplepush.server.internal.Counters;
import org.simplepush.server.internal.FailureLog;
import org.simplepush.server.internal.MemoryAccount;
import org.simplepush.server.internal.endpoint.RateLimit;
import org.simplepush.server.internal.endpoint.RequestLimits;
import org.simplepush.server.internal.endpoint.VersionEndpoint;
import org.simplepush.server.internal.http.JdkEndpointServer;
import org.simplepush.server.internal.keys.KeyKeeper;
import org.simplepush.server.internal.net.AdmissionDesk;
import org.simplepush.server.internal.net.ConnectionLimits;
import org.simplepush.server.internal.net.WebSocketServer;
import org.simplepush.server.internal.session.Acknowledgements;
import org.simplepush.server.internal.session.Channels;
import org.simplepush.server.internal.session.Conversations;
import org.simplepush.server.internal.session.CreationLimits;
import org.simplepush.server.internal.session.Greeter;
import org.simplepush.server.internal.session.ServerSettings;
import org.simplepush.server.internal.session.SessionRegistry;
import org.simplepush.server.internal.session.Sleepers;
import org.simplepush.server.internal.wakeup.UdpWaker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One server: binds its ports, joins the other nodes, serves, keeps house and closes. Safe for use
 * by many threads.
 */
public final class Node {
  private static final Logger log = LoggerFactory.getLogger(Node.class);

  /** How long a request in progress may take to be answered when the server closes. */
  private static final Duration REQUESTS = Duration.ofSeconds(3);

  /** How long devices may take to be gone; a connection's own patience is less. */
  private static final long GOODBYE_MILLIS = 5000;

  /** After how long a user agent without a channel is dropped if the store is full of them. */
  private static final Duration RELIEF_EXPIRY = Duration.ofMinutes(1);

  private final ServerConfig config;
  private final VersionStore store;
  private final FailureLog failures;
  private final Counters counters;
  private final UdpWaker waker;
  private final Sleepers sleepers;
  private final SessionRegistry sessions;
  private final KeyKeeper keys;
  private final VersionEndpoint endpointHandler;
  private final HealthChecks healthChecks;
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /** Guards writing of the two below. */
  private final Object lock = new Object();

  private volatile @Nullable Running running;
  private volatile boolean over;

  /** What exists from start to close. */
  private record Running(
      String name,
      int port,
      int endpointPort,
      URI endpointBase,
      WebSocketServer webSockets,
      EndpointServer.@Nullable Running endpoints,
      Housekeeper housekeeper,
      ServerHealth health) {}

  /** Makes the parts of a server, and starts none. */
  public Node(ServerConfig config) {
    this.config = config;
    this.failures = new FailureLog(config.upkeep().outOfMemoryHandler(), System::nanoTime);
    this.counters = new Counters(new MemoryAccount(config.limits().memory()), failures);
    this.waker = new UdpWaker(failures);
    this.store = config.store() != null ? config.store() : new InMemoryVersionStore();
    this.sleepers = new Sleepers(config.wakeUp(), waker, System::nanoTime, counters);
    this.sessions = new SessionRegistry(store, sleepers, System::nanoTime, counters);
    this.keys = new KeyKeeper(store, config.keys(), config.upkeep().clock(), sessions::compareAll);
    ServerConfig.Endpoints endpoints = config.endpoints();
    this.endpointHandler =
        new VersionEndpoint(
            store,
            keys.tokens(),
            sessions,
            new RateLimit(endpoints.rateLimit(), endpoints.rateLimitWindow(), System::nanoTime),
            endpoints.allowedOrigins(),
            config.upkeep().clock(),
            counters);
    this.healthChecks = new HealthChecks(store, keys, failures);
  }

  /**
   * Starts to serve; see {@code PushServer.start}.
   *
   * @throws IOException if a port cannot be bound or the store not be reached; nothing is left
   *     running then
   * @throws IllegalStateException if it was started or closed before
   */
  public void start() throws IOException {
    synchronized (lock) {
      if (running != null || over) {
        throw new IllegalStateException("A push server is started once; build another one");
      }
      running = bindAndServe();
      endpointHandler.open();
    }
    log.info("Push server listens for devices at {}", webSocketUri());
  }

  private Running bindAndServe() throws IOException {
    keys.start();
    ServerSocketChannel listener = bind("devices", config.listen().port(), WebSocketServer::bind);
    EndpointServer.Running endpoints = null;
    try {
      int port = ((InetSocketAddress) listener.getLocalAddress()).getPort();
      String name = "simplepush-" + port;
      ClientAddresses addresses = config.limits().clientAddresses();
      if (config.listen().hasEndpointPort()) {
        endpoints =
            bind(
                "application servers",
                config.listen().endpointPort(),
                address ->
                    endpointServer()
                        .start(
                            new EndpointServer.Binding(
                                address,
                                config.listen().tls(),
                                name,
                                new RequestLimits(
                                    addresses, config.limits().connectionsPerAddress(), counters)),
                            endpointHandler));
      }
      int endpointPort = endpoints == null ? -1 : endpoints.port();
      URI base = config.endpoints().url();
      if (base == null) {
        base = config.listen().endpointUri(endpointPort);
        warnOfWildcard(listener, base);
      }
      ServerSettings settings = config.sessions();
      MessageCodec codec = new MessageCodec(settings.maxMessageLength());
      CreationLimits creation =
          new CreationLimits(
              store,
              config.limits().channels(),
              config.limits().newUserAgentsPerMinute(),
              config.limits().newChannelsPerMinute(),
              System::nanoTime);
      Greeter greeter =
          new Greeter(
              sessions,
              sleepers,
              new Channels(settings.maxChannelsPerUserAgent(), creation, keys.tokens(), base),
              new Acknowledgements(store, counters, deliveryReports(name)));
      if (config.wakeUp() != null) {
        waker.open(name);
      }
      join();
      WebSocketServer webSockets =
          new WebSocketServer(
              new Conversations(settings, codec, greeter, counters),
              settings,
              codec,
              counters,
              new ConnectionLimits(
                  addresses,
                  config.limits().connections(),
                  config.limits().connectionsPerAddress()),
              admissionDesk(name),
              config.listen().tls(),
              listener);
      webSockets.start(config.listen().eventLoops(), name);
      Housekeeper housekeeper = new Housekeeper(name, failures);
      startDuties(housekeeper, creation);
      InetSocketAddress endpointAddress =
          endpoints == null ? null : new InetSocketAddress(config.listen().host(), endpointPort);
      ServerHealth health =
          new ServerHealth(
              webSockets, housekeeper.duties(), endpointAddress, config.listen().tls() != null);
      return new Running(
          name, port, endpointPort, base, webSockets, endpoints, housekeeper, health);
    } catch (IOException | RuntimeException e) {
      listener.close();
      waker.close();
      sessions.leave();
      if (endpoints != null) {
        endpoints.close(Duration.ZERO);
      }
      throw e;
    }
  }

  private EndpointServer endpointServer() {
    EndpointServer handedIn = config.endpoints().server();
    return handedIn != null
        ? handedIn
        : (binding, handler) ->
            JdkEndpointServer.start(binding, config.endpoints().executor(), handler, failures);
  }

  private @Nullable DeliveryReports deliveryReports(String name) {
    return config.deliveryListener() == null
        ? null
        : new DeliveryReports(config.deliveryListener(), config.upkeep().clock(), name);
  }

  private @Nullable AdmissionDesk admissionDesk(String name) {
    return config.admission() == null ? null : new AdmissionDesk(config.admission(), name);
  }

  private static void warnOfWildcard(ServerSocketChannel listener, URI base) throws IOException {
    if (((InetSocketAddress) listener.getLocalAddress()).getAddress().isAnyLocalAddress()) {
      log.warn(
          "Endpoints will begin with {}, which application servers on other machines cannot reach;"
              + " set endpointUrl (--endpoint-url) to the URL at which they reach this server",
          base);
    }
  }

  private interface Bind<T> {
    T to(InetSocketAddress address) throws IOException;
  }

  /** The system's own words say neither which port it is nor whose. */
  private <T> T bind(String peers, int port, Bind<T> bind) throws IOException {
    InetSocketAddress address = new InetSocketAddress(config.listen().host(), port);
    if (address.isUnresolved()) {
      throw new UnknownHostException(
          "The host '"
              + config.listen().host()
              + "' is not known; give a name or an address of this host");
    }
    try {
      return bind.to(address);
    } catch (SocketException e) {
      BindException failure =
          new BindException(
              "Port %d of %s cannot be opened for %s (%s); give a free port of an address of this host"
                  .formatted(port, config.listen().host(), peers, e.getMessage()));
      failure.initCause(e);
      throw failure;
    }
  }

  private void join() throws IOException {
    try {
      sessions.join(config.sessions().expiry(), config.upkeep().comparisonsPerSecond(), keys::tend);
    } catch (StoreException e) {
      throw new IOException("The shared store cannot be joined: " + e.getMessage(), e);
    }
  }

  private void startDuties(Housekeeper housekeeper, CreationLimits limits) {
    Duration interval = config.upkeep().expiryInterval();
    housekeeper.repeat(interval, this::expire);
    housekeeper.repeat(interval, () -> expireEmpty(config.sessions().emptyExpiry()));
    housekeeper.repeat(config.upkeep().reliefInterval(), () -> relieve(limits));
    if (keys.isShared()) {
      housekeeper.repeat(config.keys().interval(), keys::tend);
    }
  }

  private void expire() {
    sessions.expire(config.sessions().expiry());
    store.expire(config.sessions().expiry()).whenComplete(this::expired);
  }

  private void expireEmpty(Duration notSeenFor) {
    store.expireEmpty(notSeenFor).whenComplete(this::expired);
  }

  /** Strangers who register nothing must not keep others from coming for an hour. */
  private void relieve(CreationLimits limits) {
    if (limits.isFullOfUserAgents()) {
      expireEmpty(RELIEF_EXPIRY);
    }
  }

  private void expired(@Nullable Integer dropped, @Nullable Throwable failure) {
    if (failure == null && dropped != null) {
      counters.userAgentsExpired.add(dropped);
    } else {
      counters.storeFailures.report("expiry", failure);
    }
  }

  /** Closes everything; see {@code PushServer.closeAsync}. */
  public CompletableFuture<Void> closeAsync() {
    Running stopping;
    synchronized (lock) {
      if (over) {
        return closed.copy();
      }
      over = true;
      stopping = running;
      if (config.upkeep().drain().isZero()) {
        endpointHandler.close();
      } else {
        endpointHandler.drain();
      }
    }
    String name = stopping == null ? "simplepush" : stopping.name();
    try {
      new Thread(() -> close(stopping), name + "-close").start();
    } catch (Throwable e) { // whoever waits for the end must not do so for ever
      closed.completeExceptionally(e);
    }
    return closed.copy();
  }

  private void close(@Nullable Running stopping) {
    try {
      if (stopping != null) {
        stop(stopping);
      }
      if (config.store() == null) {
        store.close();
      }
      closed.complete(null);
    } catch (Throwable e) {
      closed.completeExceptionally(e);
    }
  }

  private void stop(Running stopping) {
    try {
      stopping.housekeeper().stop();
      long drainMillis = config.upkeep().drain().toMillis();
      within(drainMillis + GOODBYE_MILLIS, stopping.webSockets().drain(drainMillis)).join();
      endpointHandler.close();
      CompletableFuture<Void> devices = within(GOODBYE_MILLIS, stopping.webSockets().goAway());
      if (stopping.endpoints() != null) {
        stopping.endpoints().close(REQUESTS);
      }
      devices.join();
    } finally {
      stopping.webSockets().stop();
      waker.close();
      sessions.leave();
    }
  }

  /** A loop that has failed must not keep the server from closing. */
  private static CompletableFuture<Void> within(long millis, CompletableFuture<Void> done) {
    return done.completeOnTimeout(null, millis, TimeUnit.MILLISECONDS);
  }

  private Running running() {
    Running now = running;
    if (now == null) {
      throw notStarted();
    }
    return now;
  }

  private static IllegalStateException notStarted() {
    return new IllegalStateException("The push server was not started");
  }

  /** Returns the port for devices. */
  public int port() {
    return running().port();
  }

  /** Returns the port for application servers. */
  public int endpointPort() {
    int port = running().endpointPort();
    if (port < 0) {
      throw new IllegalStateException("This push server was built with noEndpointPort()");
    }
    return port;
  }

  /** Returns where devices connect to. */
  public URI webSocketUri() {
    return config.listen().webSocketUri(port());
  }

  /** Returns what endpoints begin with. */
  public URI endpointUrl() {
    return running().endpointBase();
  }

  /** Returns what answers requests to endpoints. */
  public EndpointHandler endpointHandler() {
    return endpointHandler;
  }

  /** Returns what was done so far. */
  public Counters counters() {
    return counters;
  }

  /** Returns what serves the devices, for tests that break it. */
  public WebSocketServer webSockets() {
    return running().webSockets();
  }

  /** Finds out whether all is well; see {@code PushServer.checkHealth}. */
  public CompletionStage<Void> checkHealth() {
    if (over) {
      return CompletableFuture.failedStage(new IllegalStateException("The push server shuts down"));
    }
    Running now = running;
    if (now == null) {
      return CompletableFuture.failedStage(notStarted());
    }
    return healthChecks.check(now.health(), now.name() + "-health");
  }
}
