package org.simplepush.examples.standalone;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.VersionStore;
import org.simplepush.server.EndpointKeysException;
import org.simplepush.server.PushServer;
import org.simplepush.server.WakeUp;
import org.simplepush.server.jetty.JettyEndpointServer;
import org.simplepush.server.redis.RedisVersionStore;
import org.simplepush.server.sqlite.SqliteVersionStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A push server of its own, configured by options or by environment variables. */
@Command(
    name = "standalone-server",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "A SimplePush server.",
    footer = {
      "",
      "Durations are a number and ms, s, m, h or d: 20s, 7d.",
      "Each option may be given as an environment variable: --ping-min as SIMPLEPUSH_PING_MIN.",
      "When it accepts connections it prints one line that begins with 'ready'."
    })
public final class StandaloneServer implements Callable<Integer> {
  private static final String SQLITE = "sqlite:";

  /** Which HTTP server takes the requests of application servers. */
  enum HttpFront {
    jetty,
    jdk
  }

  private static final Logger log = LoggerFactory.getLogger(StandaloneServer.class);

  private final Environment environment;

  @Spec private CommandSpec spec;

  @Option(
      names = "--host",
      paramLabel = "H",
      defaultValue = "127.0.0.1",
      description = "Address to bind. Default ${DEFAULT-VALUE}.")
  private String host;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8080",
      description = "WebSocket port for devices, 0 is any free one. Default ${DEFAULT-VALUE}.")
  private int port;

  @Option(
      names = "--endpoint-port",
      paramLabel = "N",
      defaultValue = "8081",
      description = "HTTP port for application servers, 0 is any free one. Default 8081.")
  private int endpointPort;

  @Option(
      names = "--endpoint-server",
      paramLabel = "jetty|jdk",
      defaultValue = "jetty",
      description = "Which HTTP server answers there. Default ${DEFAULT-VALUE}.")
  private HttpFront endpointServer;

  @Option(
      names = "--endpoint-url",
      paramLabel = "URL",
      description =
          "What endpoints begin with, seen from outside. Default http://host:endpoint-port.")
  private @Nullable URI endpointUrl;

  @Option(
      names = "--store",
      paramLabel = "S",
      defaultValue = "memory",
      description =
          "Where versions live: memory, sqlite:PATH to survive crashes, or redis://HOST:PORT to share"
              + " them with other nodes. Default ${DEFAULT-VALUE}.")
  private String storeName;

  @Option(
      names = "--key-file",
      paramLabel = "PATH",
      description =
          "Endpoint keys, made if the store is new. Without it the store keeps them; with memory"
              + " endpoints die with the process.")
  private @Nullable Path keyFile;

  @Option(
      names = "--start-over",
      description =
          "Every user agent starts over at its next hello: after keys were lost or a backup was"
              + " restored. Not to be left on. Default off.")
  private boolean startOver;

  @Option(
      names = "--rotate-keys",
      description =
          "Issue endpoints with a new key from now on, if the store keeps the keys; old ones go on"
              + " opening. Not to be left on. Default off.")
  private boolean rotateKeys;

  @Option(
      names = "--ping-min",
      paramLabel = "D",
      defaultValue = "20s",
      description = "How far apart a device's pings must be, 0s is any. Default ${DEFAULT-VALUE}.")
  private Duration pingMin;

  @Option(
      names = "--hello-timeout",
      paramLabel = "D",
      defaultValue = "30s",
      description = "How long a connection may go without hello. Default ${DEFAULT-VALUE}.")
  private Duration helloTimeout;

  @Option(
      names = "--redelivery",
      paramLabel = "D",
      defaultValue = "60s",
      description = "When to send again what is not acknowledged. Default ${DEFAULT-VALUE}.")
  private Duration redelivery;

  @Option(
      names = "--expiry",
      paramLabel = "D",
      defaultValue = "7d",
      description = "When to drop a user agent that was not seen. Default ${DEFAULT-VALUE}.")
  private Duration expiry;

  @Option(
      names = "--drain",
      paramLabel = "D",
      defaultValue = "5s",
      description =
          "Over how long to close the connections when told to stop. Default ${DEFAULT-VALUE}.")
  private Duration drain;

  @Option(
      names = "--max-connections",
      paramLabel = "N",
      description =
          "How many devices may be connected; more are refused with 503. Default what memory and"
              + " descriptors allow.")
  private @Nullable Integer maxConnections;

  @Option(
      names = "--max-connections-per-address",
      paramLabel = "N",
      description =
          "How many devices may be connected from one address; more are refused with 429. Default"
              + " one for each 64 KB of the heap, 1000 to 50000.")
  private @Nullable Integer maxConnectionsPerAddress;

  @Option(
      names = "--max-channels",
      paramLabel = "N",
      description =
          "How many channels the store may hold, and as many user agents; more are refused with 503."
              + " Not with Redis. Default what a quarter of the heap holds, with SQLite 10000000.")
  private @Nullable Long maxChannels;

  @Option(
      names = "--new-user-agents-per-minute",
      paramLabel = "N",
      description =
          "How many user agents may come into being from one address in a minute; more are refused"
              + " with 429. Default 3000.")
  private @Nullable Integer newUserAgentsPerMinute;

  @Option(
      names = "--new-channels-per-minute",
      paramLabel = "N",
      description =
          "How many channels may be registered from one address in a minute; more are refused with"
              + " 429. Default 12000.")
  private @Nullable Integer newChannelsPerMinute;

  @Option(
      names = "--comparisons-per-second",
      paramLabel = "N",
      description =
          "How many devices in a second are compared with Redis, at most, after it was away or"
              + " failed over. Default 5000.")
  private @Nullable Integer comparisonsPerSecond;

  @Option(
      names = "--limit-loopback",
      description =
          "Limits per address hold for the addresses of this machine, 127.0.0.0/8 and ::1, too."
              + " Default off.")
  private boolean limitLoopback;

  @Option(
      names = "--trusted-proxies",
      paramLabel = "CIDR[,CIDR]",
      description =
          "Networks of proxies whose X-Forwarded-For and PROXY headers are believed, like"
              + " 10.0.0.0/8. Default none.")
  private @Nullable String trustedProxies;

  @Option(
      names = "--rate-limit",
      paramLabel = "N/D",
      converter = RateOption.class,
      description =
          "How many updates an endpoint takes in that time, like 10/1s; more are answered with 429."
              + " Default any number.")
  private RateOption.@Nullable Rate rateLimit;

  @Option(
      names = "--allow-origin",
      paramLabel = "O[,O]",
      description =
          "Origins of web pages that may call endpoints, like https://app.example.org, or * for any."
              + " Default none.")
  private @Nullable String allowOrigin;

  @Option(
      names = "--max-memory",
      paramLabel = "SIZE",
      converter = BytesOption.class,
      description =
          "How much of the heap strangers may make the server hold, such as 64m. Default three"
              + " eighths of it.")
  private @Nullable Long maxMemory;

  @Option(
      names = "--tls-cert",
      paramLabel = "PEM",
      description = "Certificate chain: serve wss and https. Read again when it changes.")
  private @Nullable Path tlsCert;

  @Option(
      names = "--tls-key",
      paramLabel = "PEM",
      description = "Private key of the certificate, PKCS #8. Read again when it changes.")
  private @Nullable Path tlsKey;

  @Option(
      names = "--wakeup",
      paramLabel = "CIDR[,CIDR]",
      description = "Networks whose devices are woken by UDP, like 10.0.0.0/8. Default off.")
  private @Nullable String wakeUp;

  @Option(
      names = "--management-port",
      paramLabel = "N",
      description =
          "Serve /__heartbeat__, /__lbheartbeat__, /__version__ and /metrics here. Default off.")
  private @Nullable Integer managementPort;

  @Option(
      names = "--management-host",
      paramLabel = "H",
      defaultValue = "127.0.0.1",
      description = "Address of the management port. Default ${DEFAULT-VALUE}.")
  private String managementHost;

  private StandaloneServer(Environment environment) {
    this.environment = environment;
  }

  /**
   * Runs until it is told to stop; exits with 2 if the options are wrong, with 1 if the server
   * cannot start, with 3 if it runs out of memory.
   */
  public static void main(String[] args) {
    OutOfMemory.endsTheProcess();
    System.exit(commandLine(System.getenv()).execute(args));
  }

  static CommandLine commandLine(Map<String, String> variables) {
    Environment environment = new Environment(variables);
    CommandLine commandLine = new CommandLine(new StandaloneServer(environment));
    commandLine.registerConverter(Duration.class, DurationOption::parse);
    commandLine.setDefaultValueProvider(environment);
    commandLine.setParameterExceptionHandler(
        (wrong, arguments) -> {
          wrong
              .getCommandLine()
              .getErr()
              .println(origin(wrong.getArgSpec(), environment, arguments) + oneLine(wrong));
          return CommandLine.ExitCode.USAGE;
        });
    commandLine.setExecutionExceptionHandler(
        (failure, command, arguments) -> {
          command.getErr().println(oneLine(failure));
          return CommandLine.ExitCode.SOFTWARE;
        });
    return commandLine;
  }

  /** Names the variable if that is where a wrong value comes from. */
  private static String origin(
      @Nullable ArgSpec option, Environment environment, String[] arguments) {
    String variable = option == null ? null : environment.variableFor(option);
    if (variable == null || !(option instanceof OptionSpec known)) {
      return "";
    }
    String name = known.longestName();
    boolean isGiven =
        Arrays.stream(arguments).anyMatch(a -> a.equals(name) || a.startsWith(name + "="));
    return isGiven ? "" : variable + ": ";
  }

  private static String oneLine(Exception failure) {
    String sentence = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    return sentence.lines().findFirst().orElse(sentence);
  }

  @Override
  public Integer call() throws Exception {
    environment.warnings(spec).forEach(log::warn);
    checkStore();
    PushServer.Builder builder = builder();
    ReloadingTls tls = loadTls();
    if (tls != null) {
      builder.tls(tls.context());
    }
    if (keyFile != null) {
      builder.keyFile(keyFile);
    }
    if (startOver) {
      builder.startOver();
    }
    if (rotateKeys) {
      builder.rotateKeys();
    }
    VersionStore store = openStore();
    PushServer server = null;
    ManagementServer management = null;
    try {
      server = build(builder.store(store));
      server.start();
      if (managementPort != null) {
        management = ManagementServer.start(managementHost, managementPort, server);
      }
    } catch (IOException | RuntimeException e) {
      if (server != null) {
        server.close();
      }
      store.close();
      if (e instanceof EndpointKeysException) {
        throw wrong(e.getMessage());
      }
      throw e;
    }
    closeOnExit(server, store, management, tls);
    System.out.println("ready ws=" + server.webSocketUri() + " endpoint=" + server.endpointUrl());
    System.out.flush();
    new CountDownLatch(1).await(); // until a signal ends the process
    return CommandLine.ExitCode.OK;
  }

  private void checkStore() {
    if (!storeName.equals("memory") && !storeName.matches("sqlite:.+|rediss?(-sentinel)?://.+")) {
      // What follows may hold a password.
      throw wrong(
          "--store",
          "must be memory, sqlite:PATH or redis://HOST:PORT, but was '%s'"
              .formatted(storeName.replaceFirst("://.+", "://…")));
    }
  }

  private VersionStore openStore() throws IOException {
    if (storeName.startsWith(SQLITE)) {
      return SqliteVersionStore.open(Path.of(storeName.substring(SQLITE.length())));
    }
    if (storeName.startsWith("redis")) {
      try {
        return RedisVersionStore.open(storeName);
      } catch (IllegalArgumentException e) {
        throw wrong("--store", String.valueOf(e.getMessage()));
      }
    }
    return new InMemoryVersionStore();
  }

  private PushServer.Builder builder() {
    PushServer.Builder builder = PushServer.builder().onOutOfMemory(OutOfMemory::met);
    if (endpointServer == HttpFront.jetty) {
      builder.endpointServer(new JettyEndpointServer());
    }
    set("--host", host, builder::host);
    set("--port", port, builder::port);
    set("--endpoint-port", endpointPort, builder::endpointPort);
    set("--endpoint-url", endpointUrl, builder::endpointUrl);
    set("--ping-min", pingMin, builder::pingMinInterval);
    set("--hello-timeout", helloTimeout, builder::helloTimeout);
    set("--redelivery", redelivery, builder::redeliveryInterval);
    set("--expiry", expiry, builder::expiry);
    set("--drain", drain, builder::drain);
    set("--max-connections", maxConnections, builder::maxConnections);
    set(
        "--max-connections-per-address",
        maxConnectionsPerAddress,
        builder::maxConnectionsPerAddress);
    set("--max-channels", maxChannels, builder::maxChannels);
    set("--new-user-agents-per-minute", newUserAgentsPerMinute, builder::newUserAgentsPerMinute);
    set("--new-channels-per-minute", newChannelsPerMinute, builder::newChannelsPerMinute);
    set("--comparisons-per-second", comparisonsPerSecond, builder::comparisonsPerSecond);
    set("--limit-loopback", limitLoopback, builder::limitLoopback);
    set("--trusted-proxies", trustedProxies, list -> builder.trustedProxies(items(list)));
    set(
        "--rate-limit",
        rateLimit,
        rate -> builder.endpointRateLimit(rate.permits(), rate.window()));
    set(
        "--allow-origin",
        allowOrigin,
        list -> builder.allowedOrigins(new HashSet<>(List.of(items(list)))));
    set("--max-memory", maxMemory, builder::maxMemory);
    set("--wakeup", wakeUp, list -> builder.wakeUp(WakeUp.inNetworks(items(list))));
    return builder;
  }

  private static String[] items(String list) {
    return list.split(" *, *", -1);
  }

  /** Passes an option's value on, if it has one; what is refused is said of that option. */
  private <T> void set(String option, @Nullable T value, Consumer<T> setter) {
    try {
      if (value != null) {
        setter.accept(value);
      }
    } catch (IllegalArgumentException e) {
      throw wrong(option, String.valueOf(e.getMessage()));
    }
  }

  private PushServer build(PushServer.Builder builder) {
    try {
      return builder.build();
    } catch (IllegalStateException e) {
      throw wrong(e.getMessage());
    }
  }

  private @Nullable ReloadingTls loadTls() {
    if (tlsCert == null && tlsKey == null) {
      return null;
    }
    if (tlsCert == null || tlsKey == null) {
      throw wrong(
          "--tls-cert and --tls-key go together: give both, or neither; both may name one file that"
              + " holds the certificate and the key");
    }
    try {
      return ReloadingTls.load(tlsCert, tlsKey).watch();
    } catch (IOException e) {
      throw wrong(e.getMessage());
    }
  }

  private ParameterException wrong(@Nullable String sentence) {
    return new ParameterException(spec.commandLine(), sentence);
  }

  private ParameterException wrong(String option, String sentence) {
    OptionSpec known = spec.findOption(option);
    return new ParameterException(spec.commandLine(), option + ": " + sentence, known, null);
  }

  /** Ends with exit code 0 when told to; whatever else ends the process closes all too. */
  private static void closeOnExit(
      PushServer server,
      VersionStore store,
      @Nullable ManagementServer management,
      @Nullable ReloadingTls tls) {
    Runnable close =
        () -> {
          log.info("The server stops: it accepts nobody new and closes the devices' connections");
          server.close();
          store.close(); // after the server, which still has answers to give
          if (management != null) {
            management.close();
          }
          if (tls != null) {
            tls.close();
          }
          log.info("The server has stopped; all it confirmed is in its store");
        };
    Runtime.getRuntime().addShutdownHook(new Thread(close, "simplepush-shutdown"));
    StopSignals.handle(() -> System.exit(CommandLine.ExitCode.OK));
  }
}
