package org.simplepush.examples.standalone;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.VersionStore;
import org.simplepush.server.EndpointKeys;
import org.simplepush.server.PushServer;
import org.simplepush.server.WakeUp;
import org.simplepush.server.jetty.JettyEndpointServer;
import org.simplepush.server.redis.RedisVersionStore;
import org.simplepush.server.sqlite.SqliteVersionStore;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IDefaultValueProvider;
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
      description = "Endpoint keys, made if missing. Without it endpoints die with the process.")
  private @Nullable Path keyFile;

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

  private StandaloneServer() {}

  /**
   * Runs until it is told to stop; exits with 2 if the options are wrong, with 1 if the server
   * cannot start.
   */
  public static void main(String[] args) {
    System.exit(commandLine(System.getenv()).execute(args));
  }

  static CommandLine commandLine(Map<String, String> environment) {
    CommandLine commandLine = new CommandLine(new StandaloneServer());
    commandLine.registerConverter(Duration.class, DurationOption::parse);
    commandLine.setDefaultValueProvider(new Environment(environment));
    commandLine.setParameterExceptionHandler(
        (wrong, arguments) -> {
          wrong.getCommandLine().getErr().println(oneLine(wrong));
          return CommandLine.ExitCode.USAGE;
        });
    commandLine.setExecutionExceptionHandler(
        (failure, command, arguments) -> {
          command.getErr().println(oneLine(failure));
          return CommandLine.ExitCode.SOFTWARE;
        });
    return commandLine;
  }

  private static String oneLine(Exception failure) {
    String sentence = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    return sentence.lines().findFirst().orElse(sentence);
  }

  @Override
  public Integer call() throws Exception {
    checkStore();
    PushServer.Builder builder = builder();
    ReloadingTls tls = null;
    if (tlsCert != null && tlsKey != null) {
      tls = loadTls(tlsCert, tlsKey);
      builder.tls(tls.context());
    } else if (tlsCert != null || tlsKey != null) {
      throw wrong("--tls-cert and --tls-key go together: give both or neither");
    }
    if (keyFile != null) {
      builder.keys(EndpointKeys.load(keyFile));
    }
    VersionStore store = openStore();
    PushServer server = null;
    ManagementServer management = null;
    try {
      server = build(builder.store(store));
      server.start();
      if (managementPort != null) {
        management = ManagementServer.start(host, managementPort, server);
      }
    } catch (IOException | RuntimeException e) {
      if (server != null) {
        server.close();
      }
      store.close();
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
          "--store must be memory, sqlite:PATH or redis://HOST:PORT, but was '%s'"
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
        throw wrong("--store: " + e.getMessage());
      }
    }
    return new InMemoryVersionStore();
  }

  private PushServer.Builder builder() {
    try {
      PushServer.Builder builder =
          PushServer.builder()
              .host(host)
              .port(port)
              .endpointPort(endpointPort)
              .endpointServer(new JettyEndpointServer())
              .pingMinInterval(pingMin)
              .helloTimeout(helloTimeout)
              .redeliveryInterval(redelivery)
              .expiry(expiry)
              .drain(drain);
      if (wakeUp != null) {
        builder.wakeUp(wakeUp(wakeUp));
      }
      return endpointUrl == null ? builder : builder.endpointUrl(endpointUrl);
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  private static WakeUp wakeUp(String networks) {
    try {
      return WakeUp.inNetworks(networks.split(" *, *", -1));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("--wakeup: " + e.getMessage(), e);
    }
  }

  private PushServer build(PushServer.Builder builder) {
    try {
      return builder.build();
    } catch (IllegalStateException e) {
      throw wrong(e.getMessage());
    }
  }

  private ReloadingTls loadTls(Path certificate, Path key) {
    try {
      return ReloadingTls.load(certificate, key);
    } catch (IOException e) {
      throw wrong(e.getMessage());
    }
  }

  private ParameterException wrong(@Nullable String sentence) {
    return new ParameterException(spec.commandLine(), sentence);
  }

  private static void closeOnExit(
      PushServer server,
      VersionStore store,
      @Nullable ManagementServer management,
      @Nullable ReloadingTls tls) {
    Runnable close =
        () -> {
          server.close();
          store.close(); // after the server, which still has answers to give
          if (management != null) {
            management.close();
          }
          if (tls != null) {
            tls.close();
          }
        };
    Runtime.getRuntime().addShutdownHook(new Thread(close, "simplepush-shutdown"));
  }

  /** Looks options up in the environment, and leaves the rest to their own defaults. */
  private record Environment(Map<String, String> variables) implements IDefaultValueProvider {
    @Override
    public @Nullable String defaultValue(ArgSpec argument) {
      if (!(argument instanceof OptionSpec option) || !option.longestName().startsWith("--")) {
        return null;
      }
      String name = option.longestName().substring(2).replace('-', '_').toUpperCase(Locale.ROOT);
      return variables.get("SIMPLEPUSH_" + name);
    }
  }
}
