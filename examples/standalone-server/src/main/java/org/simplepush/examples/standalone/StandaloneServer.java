package org.simplepush.examples.standalone;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.VersionStore;
import org.simplepush.examples.cli.CommandLines;
import org.simplepush.examples.cli.JarVersion;
import org.simplepush.server.EndpointKeysException;
import org.simplepush.server.PushServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A push server of its own, configured by options or by environment variables. */
@Command(
    name = "standalone-server",
    mixinStandardHelpOptions = true,
    versionProvider = JarVersion.class,
    sortOptions = false,
    description = "A SimplePush server.",
    footer = {
      "",
      "Durations are a number and ms, s, m, h or d: 20s, 7d.",
      "Each option may be given as an environment variable: --ping-min as SIMPLEPUSH_PING_MIN.",
      "When it accepts connections it prints one line that begins with 'ready'."
    })
public final class StandaloneServer implements Callable<Integer> {
  private static final Logger log = LoggerFactory.getLogger(StandaloneServer.class);

  private final Environment environment;

  @Spec private CommandSpec spec;

  @Mixin private final NetworkOptions network = new NetworkOptions();
  @Mixin private final StoreOptions storeOptions = new StoreOptions();
  @Mixin private final ProtocolOptions protocol = new ProtocolOptions();
  @Mixin private final LimitOptions limits = new LimitOptions();
  @Mixin private final TlsOptions tlsOptions = new TlsOptions();

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
   * Runs until SIGTERM or SIGINT; exits with 2 if the options are wrong, with 1 if the server
   * cannot start, with 3 if it runs out of memory.
   */
  public static void main(String[] args) {
    OutOfMemory.endsTheProcess();
    System.exit(commandLine(System.getenv()).execute(args));
  }

  static CommandLine commandLine(Map<String, String> variables) {
    Environment environment = new Environment(variables);
    CommandLine commandLine = CommandLines.of(new StandaloneServer(environment));
    commandLine.setDefaultValueProvider(environment);
    commandLine.setParameterExceptionHandler(
        (wrong, arguments) -> {
          String variable = variableOf(wrong.getArgSpec(), environment, arguments);
          wrong.getCommandLine().getErr().println(variable + CommandLines.sentence(wrong));
          return CommandLine.ExitCode.USAGE;
        });
    return commandLine;
  }

  /** Returns the name of the variable that a wrong value comes from; empty for an option. */
  private static String variableOf(
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

  @Override
  public Integer call() throws Exception {
    environment.warnings(spec).forEach(log::warn);
    storeOptions.check();
    PushServer.Builder builder = PushServer.builder().onOutOfMemory(OutOfMemory::met);
    for (Options options : List.of(network, storeOptions, protocol, limits)) {
      options.applyTo(builder);
    }
    ReloadingTls tls = tlsOptions.load();
    if (tls != null) {
      builder.tls(tls.context());
    }
    VersionStore store = storeOptions.open();
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
        throw CommandLines.wrong(spec, String.valueOf(e.getMessage()));
      }
      throw e;
    }
    closeOnExit(server, store, management, tls);
    System.out.println("ready ws=" + server.webSocketUri() + " endpoint=" + server.endpointUrl());
    System.out.flush();
    new CountDownLatch(1).await(); // until a signal ends the process
    return CommandLine.ExitCode.OK;
  }

  private PushServer build(PushServer.Builder builder) {
    try {
      return builder.build();
    } catch (IllegalStateException e) {
      throw CommandLines.wrong(spec, String.valueOf(e.getMessage()));
    }
  }

  /** Closes all when the process ends. SIGTERM and SIGINT end it with exit code 0. */
  private static void closeOnExit(
      PushServer server,
      VersionStore store,
      @Nullable ManagementServer management,
      @Nullable ReloadingTls tls) {
    Runnable close =
        () -> {
          log.info("The server stops: it accepts no new connection and closes those of devices");
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
