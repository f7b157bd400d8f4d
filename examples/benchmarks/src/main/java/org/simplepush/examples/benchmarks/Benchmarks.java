package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Loads a SimplePush server and says what it did and what that cost. */
@Command(
    name = "benchmarks",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    subcommands = {Survive.class, HelpCommand.class},
    description = "Measures a SimplePush server from outside.",
    footer = {
      "",
      "Prints a table and one line of JSON. Exits with 1 if an update was lost or anything failed.",
      "Start your own server with --ping-min 0s; CPU, RSS and heap need its --pid.",
    })
public final class Benchmarks implements Runnable {
  private static final int MAX_COUNT = 1_000_000;
  private static final int MAX_SECONDS = 3600;

  @Spec private CommandSpec spec;

  Benchmarks() {}

  /** Measures in the mode that the first argument names. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    CommandLine commandLine = new CommandLine(new Benchmarks());
    commandLine.setParameterExceptionHandler(
        (wrong, arguments) -> {
          wrong.getCommandLine().getErr().println(wrong.getMessage());
          return CommandLine.ExitCode.USAGE;
        });
    commandLine.setExecutionExceptionHandler(
        (failure, command, arguments) -> {
          boolean expected = failure instanceof LoadException;
          command.getErr().println(expected ? failure.getMessage() : failure.toString());
          return CommandLine.ExitCode.SOFTWARE;
        });
    return commandLine;
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "Say what to measure: "
            + spec.subcommands().keySet().stream()
                .filter(name -> !name.equals("help"))
                .collect(Collectors.joining(", ")));
  }

  @Command(description = "Devices connected, registered and silent: memory of each.")
  int idle(
      @Mixin ServerOptions server,
      @Option(names = "--devices", defaultValue = "10000", description = DEFAULT) int devices,
      @Option(names = "--channels", defaultValue = "1", description = DEFAULT) int channels,
      @Option(names = "--at-a-time", defaultValue = "64", description = DEFAULT) int atATime,
      @Option(names = "--hold", defaultValue = "5", description = SECONDS) int hold)
      throws Exception {
    return run(
        server,
        new Mode.Idle(
            count("--devices", devices),
            count("--channels", channels),
            count("--at-a-time", atATime),
            seconds("--hold", hold)));
  }

  @Command(description = "A closed loop of PUTs to connected devices.")
  int throughput(
      @Mixin ServerOptions server,
      @Option(names = "--devices", defaultValue = "1000", description = DEFAULT) int devices,
      @Option(names = "--channels", defaultValue = "1", description = DEFAULT) int channels,
      @Option(names = "--puts", defaultValue = "32", description = CONNECTIONS) int puts,
      @Option(names = "--warm-up", defaultValue = "10", description = SECONDS) int warmUp,
      @Option(names = "--duration", defaultValue = "5", description = ROUND) int duration,
      @Option(names = "--rounds", defaultValue = "3", description = ROUNDS) int rounds)
      throws Exception {
    return run(
        server,
        new Mode.Throughput(
            count("--devices", devices),
            count("--channels", channels),
            count("--puts", puts),
            seconds("--warm-up", warmUp),
            seconds("--duration", duration),
            count("--rounds", rounds)));
  }

  @Command(description = "PUTs at a fixed rate, with idle devices beside: latency.")
  int open(
      @Mixin ServerOptions server,
      @Option(names = "--rate", defaultValue = "5000", description = "PUTs a second.") int rate,
      @Option(names = "--devices", defaultValue = "1000", description = DEFAULT) int devices,
      @Option(names = "--idle", defaultValue = "15000", description = DEFAULT) int idle,
      @Option(names = "--puts", defaultValue = "32", description = CONNECTIONS) int puts,
      @Option(names = "--warm-up", defaultValue = "10", description = SECONDS) int warmUp,
      @Option(names = "--duration", defaultValue = "5", description = ROUND) int duration,
      @Option(names = "--rounds", defaultValue = "3", description = ROUNDS) int rounds)
      throws Exception {
    return run(
        server,
        new Mode.Open(
            count("--rate", rate),
            count("--devices", devices),
            idle == 0 ? 0 : count("--idle", idle),
            count("--puts", puts),
            seconds("--warm-up", warmUp),
            seconds("--duration", duration),
            count("--rounds", rounds)));
  }

  @Command(description = "Versions published while devices are away; then they come back.")
  int offline(
      @Mixin ServerOptions server,
      @Option(names = "--devices", defaultValue = "1000", description = DEFAULT) int devices,
      @Option(names = "--channels", defaultValue = "10", description = DEFAULT) int channels,
      @Option(names = "--versions", defaultValue = "5", description = DEFAULT) int versions,
      @Option(names = "--puts", defaultValue = "32", description = CONNECTIONS) int puts)
      throws Exception {
    return run(
        server,
        new Mode.Offline(
            count("--devices", devices),
            count("--channels", channels),
            count("--versions", versions),
            count("--puts", puts)));
  }

  @Command(
      name = "fan-out",
      description = "Many channels on one device, then one version to many devices.")
  int fanOut(
      @Mixin ServerOptions server,
      @Option(names = "--channels", defaultValue = "200", description = DEFAULT) int channels,
      @Option(names = "--devices", defaultValue = "1000", description = DEFAULT) int devices,
      @Option(names = "--puts", defaultValue = "32", description = CONNECTIONS) int puts,
      @Option(names = "--warm-up", defaultValue = "10", description = SECONDS) int warmUp,
      @Option(names = "--duration", defaultValue = "5", description = ROUND) int duration,
      @Option(names = "--rounds", defaultValue = "3", description = ROUNDS) int rounds)
      throws Exception {
    return run(
        server,
        new Mode.FanOut(
            count("--channels", channels),
            count("--devices", devices),
            count("--puts", puts),
            seconds("--warm-up", warmUp),
            seconds("--duration", duration),
            count("--rounds", rounds)));
  }

  @Command(description = "Devices that connect, say hello and register all at once.")
  int storm(
      @Mixin ServerOptions server,
      @Option(names = "--devices", defaultValue = "5000", description = "A round.") int devices,
      @Option(names = "--channels", defaultValue = "1", description = DEFAULT) int channels,
      @Option(names = "--at-a-time", defaultValue = "64", description = DEFAULT) int atATime,
      @Option(names = "--warm-up-rounds", defaultValue = "2", description = DEFAULT) int warmUp,
      @Option(names = "--rounds", defaultValue = "3", description = ROUNDS) int rounds)
      throws Exception {
    return run(
        server,
        new Mode.Storm(
            count("--devices", devices),
            count("--channels", channels),
            count("--at-a-time", atATime),
            warmUp == 0 ? 0 : count("--warm-up-rounds", warmUp),
            count("--rounds", rounds)));
  }

  @Command(description = "Idle, throughput, open and storm; a results table in Markdown.")
  int all(
      @Mixin ServerOptions server,
      @Option(names = "--devices", defaultValue = "1000", description = "Active ones.") int devices,
      @Option(names = "--idle", defaultValue = "15000", description = "Idle ones.") int idle,
      @Option(names = "--rate", defaultValue = "5000", description = "PUTs a second.") int rate,
      @Option(names = "--warm-up", defaultValue = "10", description = SECONDS) int warmUp,
      @Option(names = "--duration", defaultValue = "5", description = ROUND) int duration,
      @Option(names = "--rounds", defaultValue = "3", description = ROUNDS) int rounds)
      throws Exception {
    int active = count("--devices", devices);
    int others = count("--idle", idle);
    Duration warm = seconds("--warm-up", warmUp);
    Duration round = seconds("--duration", duration);
    int times = count("--rounds", rounds);
    List<Mode> modes =
        List.of(
            new Mode.Idle(others, 1, 64, round),
            new Mode.Throughput(active, 1, 32, warm, round, times),
            new Mode.Open(count("--rate", rate), active, others, 32, warm, round, times),
            new Mode.Storm(Math.min(5000, others), 1, 64, 2, times));
    List<Report> reports = new ArrayList<>();
    for (Mode mode : modes) {
      Report report = server.measure(mode);
      System.err.print(report.table());
      reports.add(report);
    }
    System.out.print(markdown(reports));
    System.out.println(
        reports.stream().map(Report::json).collect(Collectors.joining(",", "[", "]")));
    return reports.stream().allMatch(Report::isGood) ? 0 : CommandLine.ExitCode.SOFTWARE;
  }

  private static String markdown(List<Report> reports) {
    Report idle = reports.get(0);
    Report throughput = reports.get(1);
    Report open = reports.get(2);
    Report storm = reports.get(3);
    StringBuilder table = new StringBuilder("| what | measured |\n|---|---|\n");
    row(table, "notifications delivered", throughput.text("notificationsPerSecond"));
    row(table, "server CPU per notification", throughput.text("cpuMicros"));
    row(table, "PUT, p99", throughput.text("putP99Millis"));
    String rate = open.text("rate") + " beside " + open.text("idleDevices").strip();
    row(table, "PUT to device, p99, at " + rate + " idle devices", open.text("deliveryP99Millis"));
    row(table, "RSS per idle device", idle.text("rssPerDeviceKilobytes"));
    row(table, "live heap per idle device", idle.text("heapPerDeviceBytes"));
    row(table, "connects+hellos+registers", storm.text("connectsPerSecond"));
    row(table, "server CPU of each", storm.text("cpuMillis"));
    row(table, "server start", idle.text("startMillis"));
    return table.toString();
  }

  private static void row(StringBuilder table, String what, String measured) {
    table.append(String.format(Locale.ROOT, "| %s | %s |%n", what, measured));
  }

  private static final String DEFAULT = "Default ${DEFAULT-VALUE}.";
  private static final String CONNECTIONS = "Connections that PUT. Default ${DEFAULT-VALUE}.";
  private static final String SECONDS = "In seconds. Default ${DEFAULT-VALUE}.";
  private static final String ROUND = "Of a round, in seconds. Default ${DEFAULT-VALUE}.";
  private static final String ROUNDS = "The median counts. Default ${DEFAULT-VALUE}.";

  private static int run(ServerOptions server, Mode mode)
      throws LoadException, IOException, InterruptedException {
    Report report = server.measure(mode);
    System.out.print(report.table());
    System.out.println(report.json());
    return report.isGood() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  private static int count(String option, int value) throws LoadException {
    if (value < 1 || value > MAX_COUNT) {
      throw new LoadException(option + " must be 1 to " + MAX_COUNT + ", but was " + value);
    }
    return value;
  }

  private static Duration seconds(String option, int value) throws LoadException {
    if (value < 0 || value > MAX_SECONDS) {
      throw new LoadException(option + " must be 0 to " + MAX_SECONDS + ", but was " + value);
    }
    return Duration.ofSeconds(value);
  }
}
