package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
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
    subcommands = {
      Survive.class,
      Siege.class,
      SiegeNotifier.class,
      Stores.class,
      HelpCommand.class
    },
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

  @Command(description = "More and more devices: what each costs should stay the same.")
  int growth(
      @Mixin ServerOptions server,
      @Option(
              names = "--steps",
              split = ",",
              defaultValue = "1000,4000,10000,19000",
              description = "Devices connected. Default ${DEFAULT-VALUE}.")
          List<Integer> steps,
      @Option(names = "--active", defaultValue = "1000", description = ACTIVE) int active,
      @Option(names = "--puts", defaultValue = "32", description = CONNECTIONS) int puts,
      @Option(names = "--warm-up", defaultValue = "10", description = SECONDS) int warmUp,
      @Option(names = "--duration", defaultValue = "3", description = ROUND) int duration)
      throws Exception {
    return run(
        server,
        new Growth(
            steps("--steps", steps),
            count("--active", active),
            count("--puts", puts),
            seconds("--warm-up", warmUp),
            seconds("--duration", duration)));
  }

  @Command(description = "More and more channels a device: a notification should cost the same.")
  int width(
      @Mixin ServerOptions server,
      @Option(
              names = "--steps",
              split = ",",
              defaultValue = "1,10,50,200",
              description = "Channels a device. Default ${DEFAULT-VALUE}.")
          List<Integer> steps,
      @Option(names = "--devices", defaultValue = "100", description = DEFAULT) int devices,
      @Option(names = "--puts", defaultValue = "32", description = CONNECTIONS) int puts,
      @Option(names = "--warm-up", defaultValue = "10", description = SECONDS) int warmUp,
      @Option(names = "--duration", defaultValue = "3", description = ROUND) int duration)
      throws Exception {
    return run(
        server,
        new Width(
            steps("--steps", steps),
            count("--devices", devices),
            count("--puts", puts),
            seconds("--warm-up", warmUp),
            seconds("--duration", duration)));
  }

  @Command(description = "Devices that stop reading: what they cost the others.")
  int hang(
      @Mixin ServerOptions server,
      @Option(names = "--devices", defaultValue = "1000", description = DEFAULT) int devices,
      @Option(names = "--hanging", defaultValue = "100", description = DEFAULT) int hanging,
      @Option(names = "--puts", defaultValue = "32", description = CONNECTIONS) int puts,
      @Option(names = "--warm-up", defaultValue = "10", description = SECONDS) int warmUp,
      @Option(names = "--duration", defaultValue = "10", description = SECONDS) int duration)
      throws Exception {
    return run(
        server,
        new Hang(
            count("--devices", devices),
            count("--hanging", hanging),
            count("--puts", puts),
            seconds("--warm-up", warmUp),
            seconds("--duration", duration)));
  }

  @Command(description = "Full load for long: the heap should not grow.")
  int soak(
      @Mixin ServerOptions server,
      @Option(names = "--devices", defaultValue = "1000", description = DEFAULT) int devices,
      @Option(names = "--puts", defaultValue = "32", description = CONNECTIONS) int puts,
      @Option(names = "--settle", defaultValue = "60", description = SECONDS) int settle,
      @Option(names = "--duration", defaultValue = "540", description = SECONDS) int duration)
      throws Exception {
    return run(
        server,
        new Soak(
            count("--devices", devices),
            count("--puts", puts),
            seconds("--settle", settle),
            seconds("--duration", duration)));
  }

  @Command(description = "All of these but offline, fan-out and soak; the results in Markdown.")
  int all(
      @Mixin ServerOptions server,
      @Option(names = "--devices", defaultValue = "1000", description = "Active ones.") int devices,
      @Option(
              names = "--idle",
              defaultValue = "15000",
              description = "Idle ones beside them at a fixed rate.")
          int idle,
      @Option(
              names = "--most",
              defaultValue = "19000",
              description = "Connected at most: idle, and at the end of the curve.")
          int most,
      @Option(names = "--rate", defaultValue = "5000", description = "PUTs a second.") int rate,
      @Option(names = "--warm-up", defaultValue = "10", description = SECONDS) int warmUp,
      @Option(names = "--duration", defaultValue = "5", description = ROUND) int duration,
      @Option(names = "--rounds", defaultValue = "3", description = ROUNDS) int rounds,
      @Option(
              names = "--readme",
              paramLabel = "PATH",
              description = "Write the results into this file, between its marks, too.")
          @Nullable Path readme)
      throws Exception {
    int active = count("--devices", devices);
    int others = count("--idle", idle);
    int all = count("--most", most);
    Duration warm = seconds("--warm-up", warmUp);
    Duration round = seconds("--duration", duration);
    int times = count("--rounds", rounds);
    List<Integer> steps = List.of(active, all / 4, all / 2, all);
    List<Mode> modes =
        List.of(
            new Mode.Idle(all, 1, 64, round),
            new Mode.Throughput(active, 1, 32, warm, round, times),
            new Mode.Open(count("--rate", rate), active, others, 32, warm, round, times),
            new Mode.Storm(Math.min(5000, others), 1, 64, 2, times),
            new Growth(steps("--most", steps), active, 32, warm, round),
            new Width(List.of(1, 10, 50, 200), 100, 32, warm, round),
            new Hang(active, 100, 32, warm, round));
    List<Report> reports = new ArrayList<>();
    for (Mode mode : modes) {
      Report report = server.measure(mode);
      System.err.print(report.table());
      reports.add(report);
    }
    String tables = Results.markdown(reports, server);
    System.out.print(tables);
    System.out.println(
        reports.stream().map(Report::json).collect(Collectors.joining(",", "[", "]")));
    boolean good = reports.stream().allMatch(Report::isGood);
    if (good && readme != null) {
      Results.write(readme, tables);
    }
    return good ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  private static final String DEFAULT = "Default ${DEFAULT-VALUE}.";
  private static final String ACTIVE = "Those that get updates. Default ${DEFAULT-VALUE}.";
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

  static int count(String option, int value) throws LoadException {
    if (value < 1 || value > MAX_COUNT) {
      throw new LoadException(option + " must be 1 to " + MAX_COUNT + ", but was " + value);
    }
    return value;
  }

  private static List<Integer> steps(String option, List<Integer> steps) throws LoadException {
    int before = 0;
    for (int step : steps) {
      if (count(option, step) <= before) {
        throw new LoadException(option + " must grow from one to the next, but was " + steps);
      }
      before = step;
    }
    return steps;
  }

  static Duration seconds(String option, int value) throws LoadException {
    if (value < 0 || value > MAX_SECONDS) {
      throw new LoadException(option + " must be 0 to " + MAX_SECONDS + ", but was " + value);
    }
    return Duration.ofSeconds(value);
  }
}
