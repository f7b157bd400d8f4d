package org.simplepush.server;

import java.io.IOException;
import java.net.BindException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.DurableVersionStore;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.StoreException;
import org.simplepush.core.VersionStore;
import org.simplepush.core.internal.Authority;
import org.simplepush.core.internal.Checks;
import org.simplepush.server.internal.MemoryAccount;
import org.simplepush.server.internal.Network;
import org.simplepush.server.internal.Refusals;
import org.simplepush.server.internal.endpoint.RateLimit;
import org.simplepush.server.internal.keys.KeyKeeper;
import org.simplepush.server.internal.net.WebSocketServer;
import org.simplepush.server.internal.node.Node;
import org.simplepush.server.internal.node.ServerConfig;
import org.simplepush.server.internal.session.ServerSettings;
import org.simplepush.server.internal.session.SessionRegistry;

/**
 * A SimplePush server to embed: devices connect to its WebSocket port, application servers PUT
 * versions to the endpoints it hands out.
 *
 * <pre>{@code
 * try (PushServer server = PushServer.builder().port(0).endpointPort(0).build().start()) {
 *   System.out.println("Devices connect to " + server.webSocketUri());
 * }
 * }</pre>
 *
 * <p>Safe for use by many threads. Several servers may run in one process; they share nothing but
 * what they are handed. Build one, start it once, keep it for the life of the application, close
 * it.
 *
 * @since 0.1
 */
public final class PushServer implements AutoCloseable {
  private final Node node;

  private PushServer(ServerConfig config) {
    this.node = new Node(config);
  }

  /** Returns a builder with the defaults of the protocol. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Binds the ports, joins the other nodes if the store is a {@link SharedVersionStore}, and starts
   * to serve. When it returns, devices and application servers can connect.
   *
   * @return this
   * @throws EndpointKeysException if the endpoint keys cannot be read, or are not those of the
   *     store (see {@link Builder#keys}); nothing is left running then
   * @throws IOException if a port cannot be bound, which is a {@link BindException} that says which
   *     one, or the store not be reached; nothing is left running then
   * @throws IllegalStateException if the server was started or closed before
   */
  public PushServer start() throws IOException {
    node.start();
    return this;
  }

  /**
   * Stops accepting devices and closes each with 1001, spread over the {@linkplain Builder#drain
   * drain time}. Until the last is told, updates are accepted, and each answer asks its sender to
   * connect elsewhere ({@code Connection: close}); then answers the requests in progress, releases
   * the ports and threads, leaves the other nodes, and closes the store if this server made it.
   * Takes about two seconds more if a device does not answer, and no time if there is none. Returns
   * at once; every call answers with the same completion.
   */
  public CompletableFuture<Void> closeAsync() {
    return node.closeAsync();
  }

  /** Blocks until {@link #closeAsync()} is done. Calling it again, or before start, is harmless. */
  @Override
  public void close() {
    closeAsync().join();
  }

  /** Serves the devices, for tests that break it. */
  WebSocketServer webSockets() {
    return node.webSockets();
  }

  /** For metrics. */
  Refusals refusals() {
    return node.counters().refusals;
  }

  /**
   * Returns the port that devices connect to.
   *
   * @throws IllegalStateException before {@link #start}
   */
  public int port() {
    return node.port();
  }

  /**
   * Returns the port that application servers PUT to.
   *
   * @throws IllegalStateException before {@link #start}, or if this server has no such port
   */
  public int endpointPort() {
    return node.endpointPort();
  }

  /**
   * Returns where devices connect to, as seen from this machine.
   *
   * @throws IllegalStateException before {@link #start}
   */
  public URI webSocketUri() {
    return node.webSocketUri();
  }

  /**
   * Returns what the endpoints handed out begin with.
   *
   * @throws IllegalStateException before {@link #start}
   */
  public URI endpointUrl() {
    return node.endpointUrl();
  }

  /**
   * Returns what answers requests to endpoints, to be served by an HTTP server of yours; see {@link
   * Builder#noEndpointPort}. It answers 503 while this server does not run.
   */
  public EndpointHandler endpointHandler() {
    return node.endpointHandler();
  }

  /** Returns what this server has done so far. */
  public ServerStatistics statistics() {
    return node.counters().snapshot();
  }

  /**
   * Finds out whether this server does its work now: whether all its threads live, devices are
   * accepted, its own endpoint port answers a request, and the store could take an update; one on a
   * disk writes to find out, a shared one sends a hint to itself, and its endpoint keys are
   * compared with those of this server. Returns at once.
   *
   * <p>The stage completes normally if all is well, else with what is wrong: a {@link
   * StoreException}; an {@link IOException} if a part of the server does not work, which only a
   * restart mends; or an {@link IllegalStateException} before {@link #start} and from when this
   * server is told to close, so that nobody new is sent here. It takes no more than three seconds
   * besides what the store takes, and completes on a thread of its own or of the store, which is
   * not to be blocked. Who asks while a check runs gets the result of that one.
   */
  public CompletionStage<Void> checkHealth() {
    return node.checkHealth();
  }

  /** Settings of a {@link PushServer}. Not safe for use by many threads. */
  public static final class Builder {
    /** Room in a hello for all but its channels. */
    private static final int HELLO_LENGTH = 1024;

    /** Less would not do for the requests of a few devices. */
    private static final long MIN_MEMORY = 1024 * 1024;

    /** Heap of a user agent and a channel in memory, measured with ids of an unusual spelling. */
    private static final long BYTES_PER_CHANNEL = 448;

    /** Heap and garbage of a connected device with a channel. */
    private static final long BYTES_PER_CONNECTION = 8 * 1024;

    /** About a gigabyte of SQLite's file. */
    private static final long MAX_DURABLE_CHANNELS = 10_000_000;

    /** What a channel takes in a hello: 36 characters, quotes and a comma. */
    private static final int CHANNEL_LENGTH = 39;

    /** "null" is the origin of a page without one, such as a file. */
    private static final Pattern ORIGIN = Pattern.compile("\\*|null|[a-z][a-z0-9+.-]*://[^/?#@]+");

    private String host = "127.0.0.1";
    private int port = 8080;
    private int endpointPort = 8081;
    private boolean ownEndpointPort = true;
    private @Nullable URI endpointUrl;
    private @Nullable VersionStore store;
    private @Nullable EndpointKeys keys;
    private @Nullable Path keyFile;
    private boolean startOver;
    private boolean rotateKeys;
    private Duration keyInterval = Duration.ofSeconds(5);
    private @Nullable SSLContext tls;
    private @Nullable EndpointServer endpointServer;
    private @Nullable Executor endpointExecutor;
    private Set<String> allowedOrigins = Set.of();
    private int rateLimit = RateLimit.UNLIMITED;
    private Duration rateLimitWindow = Duration.ofSeconds(1);
    private Duration helloTimeout = Duration.ofSeconds(30);
    private Duration pingMinInterval = Duration.ofSeconds(20);
    private Duration redeliveryInterval = Duration.ofSeconds(60);
    private Duration probeInterval = Duration.ofMinutes(35);
    private Duration expiry = Duration.ofDays(7);
    private Duration drain = Duration.ZERO;
    private int maxChannelsPerUserAgent = 1000;
    private int maxMessageLength = MessageCodec.DEFAULT_MAX_MESSAGE_LENGTH;
    private int maxConnections = Integer.MAX_VALUE;
    private int maxConnectionsPerAddress = defaultMaxConnectionsPerAddress();
    private List<Network> trustedProxies = List.of();
    private boolean limitLoopback;
    private @Nullable Admission admission;
    private @Nullable DeliveryListener deliveryListener;
    private long maxChannels;
    private int newUserAgentsPerMinute = 3_000;
    private int newChannelsPerMinute = 12_000;
    private int comparisonsPerSecond = SessionRegistry.DEFAULT_COMPARISONS_PER_SECOND;
    private long maxMemory = MemoryAccount.defaultTotal();
    private @Nullable Consumer<? super OutOfMemoryError> outOfMemoryHandler;

    /** The other processors are for those who publish. Two loops on two processors do less. */
    private int eventLoops =
        Math.max(1, Math.min(4, Runtime.getRuntime().availableProcessors() / 2));

    private InstantSource clock = InstantSource.system();

    /** Null is what suits the expiry. */
    private @Nullable Duration expiryInterval;

    private @Nullable WakeUp wakeUp;

    private Builder() {}

    /** An eighth of as many as a heap may hold, so that a few addresses cannot take all. */
    private static int defaultMaxConnectionsPerAddress() {
      long eighth = Runtime.getRuntime().maxMemory() / 8 / BYTES_PER_CONNECTION;
      return (int) Math.max(1_000, Math.min(50_000, eighth));
    }

    /**
     * The address to bind, a name or a number, IPv6 with or without brackets. Default {@code
     * 127.0.0.1}. For all addresses of the machine say {@code 0.0.0.0} and set {@link
     * #endpointUrl}: without it endpoints begin with {@code http://0.0.0.0}, and a warning says so.
     *
     * @throws IllegalArgumentException if blank
     */
    public Builder host(String host) {
      if (host.isBlank()) {
        throw new IllegalArgumentException("host is empty; for all addresses say 0.0.0.0");
      }
      boolean isBracketed = host.startsWith("[") && host.endsWith("]"); // as in a URL
      this.host = isBracketed ? host.substring(1, host.length() - 1) : host;
      return this;
    }

    /**
     * The port for devices. Default 8080; 0 is any free port, {@link PushServer#port} tells which.
     *
     * @throws IllegalArgumentException if not 0 to 65535
     */
    public Builder port(int port) {
      this.port = Checks.port("port", port);
      return this;
    }

    /**
     * The port for application servers. Default 8081; 0 is any free port, {@link
     * PushServer#endpointPort} tells which.
     *
     * @throws IllegalArgumentException if not 0 to 65535
     */
    public Builder endpointPort(int endpointPort) {
      this.endpointPort = Checks.port("endpointPort", endpointPort);
      this.ownEndpointPort = true;
      return this;
    }

    /**
     * Opens no port for application servers: an HTTP server of yours passes their requests to
     * {@link PushServer#endpointHandler}. Needs {@link #endpointUrl}.
     */
    public Builder noEndpointPort() {
      this.ownEndpointPort = false;
      return this;
    }

    /**
     * The public URL that endpoints begin with; {@code /update/} and a token follow. Default {@code
     * http://host:endpointPort}, with {@code https} if TLS is set.
     *
     * @throws IllegalArgumentException if not an absolute http or https URL without user, query and
     *     fragment
     */
    public Builder endpointUrl(URI endpointUrl) {
      Authority authority = Authority.of(endpointUrl);
      if (authority != null
          && authority.userInfo() != null) { // maybe with a password: not to be repeated
        throw new IllegalArgumentException(
            "endpointUrl names a user, but is handed to strangers; leave out what is before the @");
      }
      boolean http = "http".equals(endpointUrl.getScheme());
      if ((!http && !"https".equals(endpointUrl.getScheme()))
          || authority == null
          || endpointUrl.getRawQuery() != null
          || endpointUrl.getRawFragment() != null) {
        throw new IllegalArgumentException(
            "endpointUrl must be like https://push.example.org or https://example.org/push, but was"
                + " "
                + endpointUrl);
      }
      String text = endpointUrl.toString();
      this.endpointUrl =
          text.endsWith("/") ? URI.create(text.substring(0, text.length() - 1)) : endpointUrl;
      return this;
    }

    /**
     * Where user agents and versions live. Default a new {@link InMemoryVersionStore}. A store
     * handed in stays yours: the server does not close it.
     *
     * <p>With a {@link SharedVersionStore} this server is one node of many: a device may connect to
     * any, and an update may be published to any. All need the same {@link #endpointUrl}, and the
     * same {@link #keys} if these are handed in.
     */
    public Builder store(VersionStore store) {
      this.store = Objects.requireNonNull(store, "store");
      return this;
    }

    /**
     * The keys of endpoint tokens, instead of those that the store keeps.
     *
     * <p>Default none. Then a {@link DurableVersionStore} keeps the keys itself, made by the first
     * server that is started with it, so that servers that share a store share them. Whoever has a
     * copy of such a store can forge endpoints. With a store that does not last, endpoints die with
     * the process, which a warning says.
     *
     * <p>Keys that are handed in are not stored. But a durable store remembers which of its keys
     * have issued endpoints: a server starts only if it has the key that issued last, for else
     * devices would keep endpoints that nobody knows. Endpoints of keys that the store has kept go
     * on working when keys are handed in.
     */
    public Builder keys(EndpointKeys keys) {
      this.keys = Objects.requireNonNull(keys, "keys");
      return this;
    }

    /**
     * Like {@link #keys}, with the keys in this file, read by {@link PushServer#start} as {@link
     * EndpointKeys#load} says. A missing file is made with a random key, readable by its owner
     * only, if the store has neither keys nor user agents: else the server does not start.
     */
    public Builder keyFile(Path keyFile) {
      this.keyFile = Objects.requireNonNull(keyFile, "keyFile");
      return this;
    }

    /**
     * Makes every user agent of the store start over at its next hello (protocol §2): it is given a
     * new UAID, and its applications ask for new endpoints. For when the keys were lost, or the
     * store was restored from a backup. {@link PushServer#start} does it each time it is called,
     * before anybody is served; if servers with other keys may be running, it first waits until
     * these have noticed. Default off.
     */
    public Builder startOver() {
      this.startOver = true;
      return this;
    }

    /**
     * Issues endpoints with a new key from now on, if the store keeps the keys; endpoints issued
     * before go on working. {@link PushServer#start} makes a new key each time it is called. With a
     * store that is shared, the new key issues when all servers have had the time to learn it,
     * after less than half a minute. Default off.
     */
    public Builder rotateKeys() {
      this.rotateKeys = true;
      return this;
    }

    /** How often the keys are compared with those of a store that is shared. */
    Builder keyInterval(Duration keyInterval) {
      this.keyInterval = keyInterval;
      return this;
    }

    /**
     * Serves wss and https with this certificate and key. Default none: ws and http.
     *
     * @throws IllegalArgumentException if it was not initialised
     */
    public Builder tls(SSLContext tls) {
      Objects.requireNonNull(tls, "tls");
      try {
        tls.createSSLEngine();
      } catch (IllegalStateException e) { // else the server would start and refuse everybody
        throw new IllegalArgumentException(
            "tls was not initialised; call its init with the key manager of your certificate", e);
      }
      this.tls = tls;
      return this;
    }

    /**
     * The HTTP server behind the endpoint port. Default the JDK's, which with {@link #tls} listens
     * on a free port of the loopback, behind the push server's own TLS. {@code JettyEndpointServer}
     * takes less CPU and speaks HTTP/2, and needs Jetty on the module or class path.
     */
    public Builder endpointServer(EndpointServer endpointServer) {
      this.endpointServer = Objects.requireNonNull(endpointServer, "endpointServer");
      return this;
    }

    /**
     * Runs the exchanges of the endpoint port if the JDK serves it, which reads and writes with
     * blocking calls; an executor of virtual threads suits. It stays yours: the server does not
     * shut it down. Default a pool of up to 256 threads.
     */
    public Builder endpointExecutor(Executor endpointExecutor) {
      this.endpointExecutor = Objects.requireNonNull(endpointExecutor, "endpointExecutor");
      return this;
    }

    /**
     * The origins of web pages that may notify endpoints from a browser (CORS), such as {@code
     * https://app.example.org}; {@code *} is any. Default none.
     *
     * @throws IllegalArgumentException if one is not written as browsers write it
     */
    public Builder allowedOrigins(Set<String> allowedOrigins) {
      for (String origin : allowedOrigins) {
        if (!ORIGIN.matcher(origin).matches()) {
          throw new IllegalArgumentException(
              "An origin is like https://app.example.org, without a slash at its end, but was '"
                  + origin
                  + "'");
        }
      }
      this.allowedOrigins = Set.copyOf(allowedOrigins);
      return this;
    }

    /**
     * How many updates an endpoint takes in a window of time; more are answered with 429. Default
     * unlimited.
     *
     * @param updates 1 or more
     * @param window a second to a day
     * @throws IllegalArgumentException if out of range
     */
    public Builder endpointRateLimit(int updates, Duration window) {
      this.rateLimit = Checks.positive("updates", updates);
      this.rateLimitWindow = Checks.range("window", window, Checks.SECOND, Checks.DAY);
      return this;
    }

    /**
     * How long a new connection may go without a hello that is answered (protocol §2). Closed then,
     * it may try again. Default 30 s.
     *
     * @throws IllegalArgumentException if under a millisecond
     */
    public Builder helloTimeout(Duration helloTimeout) {
      this.helloTimeout = checkDuration("helloTimeout", helloTimeout);
      return this;
    }

    /**
     * How far apart a device's pings must be (protocol §6). Default 20 s; {@link Duration#ZERO}
     * turns the check off.
     *
     * @throws IllegalArgumentException if negative, or under a millisecond without being zero
     */
    public Builder pingMinInterval(Duration pingMinInterval) {
      this.pingMinInterval = checkZeroOrDuration("pingMinInterval", pingMinInterval);
      return this;
    }

    /**
     * After how long an update that was not acknowledged is sent again (protocol §5). Default 60 s.
     *
     * @throws IllegalArgumentException if under a millisecond
     */
    public Builder redeliveryInterval(Duration redeliveryInterval) {
      this.redeliveryInterval = checkDuration("redeliveryInterval", redeliveryInterval);
      return this;
    }

    /**
     * How long a device may be silent before a WebSocket ping finds out whether it is still there.
     * Default 35 min, a little more than devices wait before they ping themselves.
     *
     * @throws IllegalArgumentException if under a millisecond
     */
    public Builder probeInterval(Duration probeInterval) {
      this.probeInterval = checkDuration("probeInterval", probeInterval);
      return this;
    }

    /**
     * After how long a user agent that was not seen is dropped with its channels (protocol §10).
     * Default 7 days. A connected device counts as seen. One without a channel is dropped after an
     * hour already.
     *
     * @throws IllegalArgumentException if under a millisecond
     */
    public Builder expiry(Duration expiry) {
      this.expiry = checkDuration("expiry", expiry);
      return this;
    }

    /**
     * Over how long to spread the end of the connections when the server is closed, so that the
     * devices do not all come to the next one at once. Default {@link Duration#ZERO}: they end at
     * once.
     *
     * @throws IllegalArgumentException if negative, or under a millisecond without being zero
     */
    public Builder drain(Duration drain) {
      this.drain = checkZeroOrDuration("drain", drain);
      return this;
    }

    /**
     * How many channels a user agent may have (protocol §§2, 3). Default 1,000.
     *
     * @throws IllegalArgumentException if not positive
     */
    public Builder maxChannelsPerUserAgent(int maxChannelsPerUserAgent) {
      this.maxChannelsPerUserAgent =
          Checks.positive("maxChannelsPerUserAgent", maxChannelsPerUserAgent);
      return this;
    }

    /**
     * The largest message a device may send, in bytes (protocol §1). Default 64 KiB.
     *
     * @throws IllegalArgumentException if not positive
     */
    public Builder maxMessageLength(int maxMessageLength) {
      this.maxMessageLength = Checks.positive("maxMessageLength", maxMessageLength);
      return this;
    }

    /**
     * How many devices may be connected, those still shaking hands included; the handshake of one
     * more is answered with HTTP 503, and if they are many more they are closed without an answer.
     * Default as many as the process may open, and {@link #maxMemory} has room for.
     *
     * @throws IllegalArgumentException if not positive
     */
    public Builder maxConnections(int maxConnections) {
      this.maxConnections = Checks.positive("maxConnections", maxConnections);
      return this;
    }

    /**
     * How many channels the store may hold, and as many user agents (protocol §13); one more is
     * refused until others unregister or expire; if it is user agents that are too many, those
     * without a channel expire after a minute. The device is told 503 in the answer to its register
     * or hello, or the connection is closed with 1013; it is to try again later. Whoever is known
     * goes on.
     *
     * <p>Default for a store that keeps its channels in the heap: as many as a quarter of the
     * largest heap ({@code -Xmx}) holds, that is 18,000 with 32 MB and 600,000 with 1 GB. For
     * SQLite 10,000,000. Redis is not asked how many it has: its {@code maxmemory} is the limit.
     *
     * @throws IllegalArgumentException if not positive
     */
    public Builder maxChannels(long maxChannels) {
      this.maxChannels = Checks.positive("maxChannels", maxChannels);
      return this;
    }

    /** What was set, or what suits the store. */
    private long maxChannels() {
      if (maxChannels > 0) {
        return maxChannels;
      }
      return store instanceof DurableVersionStore
          ? MAX_DURABLE_CHANNELS
          : Runtime.getRuntime().maxMemory() / 4 / BYTES_PER_CHANNEL;
    }

    /**
     * How many user agents may come into being from one address in a minute (protocol §13). One
     * more is told 429 in the answer to its hello, or the connection is closed with 1013; it is to
     * try again in a minute. IPv6 addresses that share their first 64 bits are one address. This
     * machine's own addresses are not limited, see {@link #limitLoopback}. Default 3,000, for the
     * many that a carrier's network has behind one address.
     *
     * @throws IllegalArgumentException if not positive
     */
    public Builder newUserAgentsPerMinute(int newUserAgentsPerMinute) {
      this.newUserAgentsPerMinute =
          Checks.positive("newUserAgentsPerMinute", newUserAgentsPerMinute);
      return this;
    }

    /**
     * How many channels may be registered from one address in a minute (protocol §13), those that
     * exist already included. Of more, new ones are answered with 429. Counts addresses as {@link
     * #newUserAgentsPerMinute} does. Default 12,000.
     *
     * @throws IllegalArgumentException if not positive
     */
    public Builder newChannelsPerMinute(int newChannelsPerMinute) {
      this.newChannelsPerMinute = Checks.positive("newChannelsPerMinute", newChannelsPerMinute);
      return this;
    }

    /**
     * How many devices in a second are compared with a shared store, at most, after something may
     * have been lost: the store was away, or failed over. Devices that are compared later are deaf
     * for longer; Redis does some 10,000 steps in a second on one core, and has others to do.
     * Default 5,000, so that 25,000 devices are compared within five seconds. However few they are,
     * the comparisons are spread over five seconds. A store that is not shared is not compared so.
     *
     * @throws IllegalArgumentException if not positive
     */
    public Builder comparisonsPerSecond(int comparisonsPerSecond) {
      this.comparisonsPerSecond = Checks.positive("comparisonsPerSecond", comparisonsPerSecond);
      return this;
    }

    /**
     * How much of the heap strangers may make this server hold, in bytes (protocol §13): half of it
     * for devices' connections, three sixteenths each for what is queued for devices that do not
     * read and for connections and requests of application servers, an eighth for messages of which
     * only a part has come. At a bound connections and requests are refused or closed, the newest
     * strangers first; {@link ServerStatistics#memory} tells how much is used. Not counted is what
     * the store holds. Default three eighths of the largest heap ({@code -Xmx}), which leaves room
     * for the store and the collector; several servers in one process share the heap, so give each
     * a part of it.
     *
     * @throws IllegalArgumentException if under a mebibyte
     */
    public Builder maxMemory(long maxMemory) {
      if (maxMemory < MIN_MEMORY) {
        throw new IllegalArgumentException(
            "maxMemory must be " + MIN_MEMORY + " bytes or more, but was " + maxMemory);
      }
      this.maxMemory = maxMemory;
      return this;
    }

    /**
     * How many connections devices may have from one address (protocol §13), those still shaking
     * hands included; one more is answered with HTTP 429, and if they are many more they are closed
     * without an answer. IPv6 addresses that share their first 64 bits are one address. This
     * machine's own addresses are not limited, see {@link #limitLoopback}. Behind a proxy, name it
     * with {@link #trustedProxies}: else all devices seem to be one address. Application servers
     * may have as many, and one more is closed; the JDK's HTTP server without TLS does not count
     * them. Default one for each 64 KB of the largest heap ({@code -Xmx}), but at least 1,000 and
     * at most 50,000: a carrier's network has many devices behind one address.
     *
     * @throws IllegalArgumentException if not positive
     */
    public Builder maxConnectionsPerAddress(int maxConnectionsPerAddress) {
      this.maxConnectionsPerAddress =
          Checks.positive("maxConnectionsPerAddress", maxConnectionsPerAddress);
      return this;
    }

    /**
     * Whether limits per address hold for this machine's own addresses ({@code 127.0.0.0/8} and
     * {@code ::1}) too. Default no: whoever has a process here can do worse, and a proxy on this
     * machine that names no client would be one address.
     */
    public Builder limitLoopback(boolean limitLoopback) {
      this.limitLoopback = limitLoopback;
      return this;
    }

    /**
     * Decides which devices may connect; the WebSocket handshake of others is refused. Default
     * none: all may, within the limits.
     */
    public Builder admission(Admission admission) {
      this.admission = Objects.requireNonNull(admission, "admission");
      return this;
    }

    /**
     * Hears which versions devices have acknowledged, once the store has that. It may be slow and
     * may throw: {@link DeliveryListener} says what happens then. Default: nobody hears it.
     */
    public Builder deliveryListener(DeliveryListener deliveryListener) {
      this.deliveryListener = Objects.requireNonNull(deliveryListener, "deliveryListener");
      return this;
    }

    /**
     * The networks of proxies whose word counts about who a device is, like {@code 10.0.0.0/8} or
     * {@code 2001:db8::/32}. Default none.
     *
     * <p>For the limits per address and the {@link Admission}, a device has the last address of
     * {@code X-Forwarded-For} that is not in these networks: your proxy has to add the address of
     * its client there. On the port for devices, what these proxies send may also begin with a
     * PROXY header, version 1 or 2, before TLS if there is TLS. Of anybody else, an {@code
     * X-Forwarded-For} is passed over and a PROXY header refused; the first of them is warned of.
     *
     * @throws IllegalArgumentException if one is not written so
     */
    public Builder trustedProxies(String... networks) {
      this.trustedProxies = Stream.of(networks).map(Network::parse).toList();
      return this;
    }

    /**
     * What to do when a thread of this server meets an {@link OutOfMemoryError}: called on that
     * thread, before anything is logged, so it should need no memory itself; ending the process
     * with {@link Runtime#halt} is the usual thing. Default nothing: then the thread goes on, but
     * {@link PushServer#checkHealth} fails from then on, because something may have been lost.
     */
    public Builder onOutOfMemory(Consumer<? super OutOfMemoryError> handler) {
      this.outOfMemoryHandler = Objects.requireNonNull(handler, "handler");
      return this;
    }

    /**
     * How many threads serve the devices' connections. Default one for two processors, at most 4.
     *
     * @throws IllegalArgumentException if not positive
     */
    public Builder eventLoops(int eventLoops) {
      this.eventLoops = Checks.positive("eventLoops", eventLoops);
      return this;
    }

    /**
     * Closes the connections of quiet devices that ask for it and wakes them by UDP (protocol §9).
     * Who sleeps is kept in memory: after a restart a device learns what it missed at the hello it
     * says by itself now and then. Default off.
     */
    public Builder wakeUp(WakeUp wakeUp) {
      this.wakeUp = Objects.requireNonNull(wakeUp, "wakeUp");
      return this;
    }

    /** How often to look for user agents that are to be dropped. */
    Builder expiryInterval(Duration expiryInterval) {
      this.expiryInterval = expiryInterval;
      return this;
    }

    private Duration expiryInterval() {
      if (expiryInterval != null) {
        return expiryInterval;
      }
      long eighth = expiry.toMillis() / 8;
      return Duration.ofMillis(Math.max(50, Math.min(TimeUnit.MINUTES.toMillis(10), eighth)));
    }

    /** The clock that picks versions (protocol §8). */
    Builder clock(InstantSource clock) {
      this.clock = clock;
      return this;
    }

    /**
     * Returns a server with these settings, not yet started.
     *
     * @throws IllegalStateException if two settings contradict each other
     */
    public PushServer build() {
      if (!ownEndpointPort && endpointUrl == null) {
        throw new IllegalStateException(
            "noEndpointPort needs endpointUrl: only you know where your HTTP server is reached");
      }
      if (endpointServer != null && endpointExecutor != null) {
        throw new IllegalStateException(
            "endpointExecutor is for the JDK's HTTP server, but endpointServer names another");
      }
      if (keys != null && keyFile != null) {
        throw new IllegalStateException("keys and keyFile are both set; give the keys in one way");
      }
      if (rotateKeys && (keys != null || keyFile != null)) {
        throw new IllegalStateException(
            "rotateKeys is for keys that the store keeps; of keys handed in put a new one in"
                + " front");
      }
      if (rotateKeys && !(store instanceof DurableVersionStore)) {
        throw new IllegalStateException(
            "rotateKeys is for keys that the store keeps, but this store does not last");
      }
      if (maxChannels > 0 && store != null && store.size().isEmpty()) {
        throw new IllegalStateException(
            "maxChannels is for stores that count their channels, which this one does not");
      }
      if (ownEndpointPort && port != 0 && port == endpointPort) {
        throw new IllegalStateException(
            "port and endpointPort are both " + port + ", but must differ");
      }
      long longestHello = HELLO_LENGTH + (long) CHANNEL_LENGTH * maxChannelsPerUserAgent;
      if (longestHello > maxMessageLength) {
        throw new IllegalStateException(
            "A hello lists every channel: with maxChannelsPerUserAgent "
                + maxChannelsPerUserAgent
                + ", maxMessageLength must be "
                + longestHello
                + " or more, but it is "
                + maxMessageLength);
      }
      return new PushServer(config());
    }

    private ServerConfig config() {
      return new ServerConfig(
          new ServerConfig.Listen(host, port, ownEndpointPort, endpointPort, tls, eventLoops),
          new ServerConfig.Endpoints(
              endpointUrl,
              endpointServer,
              endpointExecutor,
              allowedOrigins,
              rateLimit,
              rateLimitWindow),
          store,
          new KeyKeeper.Settings(
              keys == null ? null : keys.keys(), keyFile, startOver, rotateKeys, keyInterval),
          new ServerSettings(
              helloTimeout,
              pingMinInterval,
              redeliveryInterval,
              probeInterval,
              expiry,
              maxChannelsPerUserAgent,
              maxMessageLength),
          new ServerConfig.Limits(
              maxConnections,
              maxConnectionsPerAddress,
              trustedProxies,
              limitLoopback,
              maxChannels(),
              newUserAgentsPerMinute,
              newChannelsPerMinute,
              maxMemory),
          wakeUp == null ? null : wakeUp.settings(),
          admission,
          deliveryListener,
          new ServerConfig.Upkeep(
              drain, expiryInterval(), comparisonsPerSecond, clock, outOfMemoryHandler));
    }

    private static Duration checkDuration(String name, Duration duration) {
      return Checks.range(name, duration, Checks.MILLISECOND, Checks.HUNDRED_YEARS);
    }

    private static Duration checkZeroOrDuration(String name, Duration duration) {
      return Checks.zeroOrRange(name, duration, Checks.MILLISECOND, Checks.HUNDRED_YEARS);
    }
  }
}
