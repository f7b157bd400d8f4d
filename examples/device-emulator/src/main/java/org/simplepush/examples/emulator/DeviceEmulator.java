package org.simplepush.examples.emulator;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.DeviceStorage;
import org.simplepush.client.PushClient;
import org.simplepush.examples.cli.CommandLines;
import org.simplepush.examples.cli.JarVersion;
import org.simplepush.examples.cli.Range;
import org.simplepush.examples.cli.StatusLine;
import org.simplepush.examples.cli.TerminalWidth;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Emulates devices, configured by options. */
@Command(
    name = "device-emulator",
    mixinStandardHelpOptions = true,
    versionProvider = JarVersion.class,
    sortOptions = false,
    description = "Emulates many SimplePush devices, or one at a command line.",
    footer = {
      "",
      "Durations are a number and ms, s, m, h or d: 20s, 7d. Rates are a second, over all devices.",
      "Prints endpoints, then a summary; progress on a terminal, and on the standard error why",
      "devices cannot connect. Ctrl-C ends it with the summary.",
      "Exits with 1 if at the end a device was not connected, or an application not registered or",
      "without its latest version. 2,000 devices fit into java -Xmx256m -Xss256k."
    })
public final class DeviceEmulator implements Callable<Integer> {
  private static final int MAX_DEVICES = 15_000;
  private static final double MAX_RATE = 100_000;

  @Spec private CommandSpec spec;

  @Option(
      names = "--server",
      paramLabel = "URL",
      required = true,
      description = "The push server: wss://host/, or ws://127.0.0.1:8080/.")
  private URI server;

  @Option(
      names = "--allow-insecure",
      description = "Allow ws:// to other machines, which shows the devices' secrets.")
  private boolean allowInsecure;

  @Option(
      names = "--devices",
      paramLabel = "N",
      defaultValue = "1",
      description = "How many devices. Default ${DEFAULT-VALUE}.")
  private int devices;

  @Option(
      names = "--apps",
      paramLabel = "K",
      defaultValue = "1",
      description = "Applications on each, with an endpoint each. Default ${DEFAULT-VALUE}.")
  private int apps;

  @Option(names = "--duration", paramLabel = "D", description = "How long. Default until Ctrl-C.")
  private @Nullable Duration duration;

  @Option(
      names = "--settle",
      paramLabel = "D",
      defaultValue = "60s",
      description =
          "How long all may take at the end to know their latest version. Default ${DEFAULT-VALUE}.")
  private Duration settle;

  @Option(
      names = "--start",
      paramLabel = "RATE",
      defaultValue = "500",
      description = "Switch devices on. Default ${DEFAULT-VALUE}.")
  private double start;

  @Option(
      names = "--publish",
      paramLabel = "RATE",
      defaultValue = "0",
      description = "PUT new versions, in turn to each endpoint, and one to each at the end.")
  private double publish;

  @Option(
      names = "--drop",
      paramLabel = "RATE",
      defaultValue = "0",
      description = "Break connections, at random.")
  private double drop;

  @Option(
      names = "--sleep",
      paramLabel = "RATE",
      defaultValue = "0",
      description = "Switch devices off, at random, and on again later.")
  private double sleep;

  @Option(
      names = "--sleep-for",
      paramLabel = "D",
      defaultValue = "10s",
      description = "The longest sleep. Default ${DEFAULT-VALUE}.")
  private Duration sleepFor;

  @Option(
      names = "--forget",
      paramLabel = "RATE",
      defaultValue = "0",
      description = "Let devices, at random, lose their storage.")
  private double forget;

  @Option(
      names = "--storage",
      paramLabel = "DIR",
      description = "Keep the devices' state in files there, for the next run. Default in memory.")
  private @Nullable Path storage;

  @Option(
      names = "--ping",
      paramLabel = "D",
      defaultValue = "30m",
      description = "Ping after so much silence; 20s or more. Default ${DEFAULT-VALUE}.")
  private Duration ping;

  @Option(
      names = "--first-backoff",
      paramLabel = "D",
      defaultValue = "2s",
      description = "Bound of the first break before reconnecting. Default ${DEFAULT-VALUE}.")
  private Duration firstBackoff;

  @Option(
      names = "--max-backoff",
      paramLabel = "D",
      defaultValue = "5m",
      description = "Bound of the longest break. Default ${DEFAULT-VALUE}.")
  private Duration maxBackoff;

  @Option(names = "--json", description = "Print a JSON object a line, for scripts.")
  private boolean json;

  @Option(
      names = "--interactive",
      description = "One device that does what is typed; begin with help. Takes a pipe, too.")
  private boolean interactive;

  private DeviceEmulator() {}

  /** Runs until it is done, or until a signal; exits with 2 if the options are wrong. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return CommandLines.of(new DeviceEmulator());
  }

  @Override
  public Integer call() throws Exception {
    check();
    if (storage != null) {
      Files.createDirectories(storage);
    }
    if (interactive) {
      return interact();
    }
    PrintStream out =
        new PrintStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)),
            false,
            StandardCharsets.UTF_8);
    StatusLine progress =
        !json && Ansi.AUTO.enabled()
            ? new StatusLine(out, new TerminalWidth(System.getenv("COLUMNS")))
            : null;
    Output output = json ? new JsonOutput(out) : new TextOutput(out, System.err, progress);
    Fleet fleet = new Fleet(settings(), output, progress);
    Thread hook = new Thread(() -> interrupt(fleet), "emulator-shutdown");
    Runtime.getRuntime().addShutdownHook(hook);
    Summary summary = fleet.run();
    return summary.isGood() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  private static void interrupt(Fleet fleet) {
    try {
      fleet.interrupt();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the process ends anyway
    }
  }

  private int interact() throws Exception {
    PushClient.Builder builder;
    try {
      builder =
          PushClient.builder(server)
              .allowInsecure(allowInsecure)
              .pingInterval(ping)
              .backoff(firstBackoff, maxBackoff);
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
    if (storage != null) {
      builder.storage(DeviceStorage.file(storage.resolve("device.state")));
    }
    boolean terminal = Ansi.AUTO.enabled();
    Interactive device = new Interactive(builder, System.out, terminal ? "> " : "");
    Runtime.getRuntime().addShutdownHook(new Thread(device::close, "emulator-shutdown"));
    try {
      device.run(new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset())));
    } finally {
      device.close();
    }
    return CommandLine.ExitCode.OK;
  }

  private void check() {
    inRange("--devices", devices, 1, MAX_DEVICES);
    inRange("--apps", apps, 1, 1000);
    inRange("--start", start, 0.01, MAX_RATE);
    inRange("--publish", publish, 0, MAX_RATE);
    inRange("--drop", drop, 0, MAX_RATE);
    inRange("--sleep", sleep, 0, MAX_RATE);
    inRange("--forget", forget, 0, MAX_RATE);
    if (interactive && (json || devices > 1)) {
      throw wrong("--interactive is one device for a person: without --json and --devices");
    }
    if (maxBackoff.compareTo(firstBackoff) < 0) {
      throw wrong("--max-backoff must not be below --first-backoff");
    }
    try {
      PushClient.builder(server)
          .allowInsecure(allowInsecure)
          .pingInterval(ping)
          .backoff(firstBackoff, maxBackoff)
          .build()
          .close();
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  private void inRange(String option, double value, double least, double most) {
    Range.check(spec, option, value, least, most);
  }

  private Fleet.Settings settings() {
    return new Fleet.Settings(
        server,
        allowInsecure,
        devices,
        apps,
        start,
        publish,
        drop,
        sleep,
        forget,
        sleepFor,
        duration,
        settle,
        ping,
        firstBackoff,
        maxBackoff,
        storage);
  }

  private ParameterException wrong(@Nullable String sentence) {
    return CommandLines.wrong(spec, String.valueOf(sentence));
  }
}
