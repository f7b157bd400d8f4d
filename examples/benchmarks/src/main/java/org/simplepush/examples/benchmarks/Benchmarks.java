package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.simplepush.examples.cli.CommandLines;
import org.simplepush.examples.cli.JarVersion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Loads a SimplePush server and says what it did and what that cost. */
@Command(
    name = "benchmarks",
    mixinStandardHelpOptions = true,
    versionProvider = JarVersion.class,
    sortOptions = false,
    subcommands = {
      SurviveCommand.class,
      SiegeCommand.class,
      SiegeNotifierCommand.class,
      StoresCommand.class,
      HelpCommand.class
    },
    description = "Measures a SimplePush server from outside.",
    footer = {
      "",
      "Prints a table and one line of JSON. Exits with 1 if an update was lost or anything failed,",
      "and with 2 if an option is wrong.",
      "Start your own server with --ping-min 0s; CPU, RSS and heap need its --pid.",
    })
public final class Benchmarks implements Runnable {
  @Spec private CommandSpec spec;

  Benchmarks() {}

  /** Measures in the mode that the first argument names. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    CommandLine commandLine = CommandLines.of(new Benchmarks());
    IExecutionExceptionHandler others = commandLine.getExecutionExceptionHandler();
    commandLine.setExecutionExceptionHandler(
        (failure, failed, parsed) -> {
          int code = others.handleExecutionException(failure, failed, parsed);
          return failure instanceof WrongOptionException ? CommandLine.ExitCode.USAGE : code;
        });
    commandLine.setDefaultValueProvider(new LoadOptions.Defaults());
    IVersionProvider version = commandLine.getCommandSpec().versionProvider();
    for (CommandLine subcommand : commandLine.getSubcommands().values()) {
      subcommand.getCommandSpec().versionProvider(version);
    }
    return commandLine;
  }

  @Override
  public void run() {
    throw CommandLines.wrong(
        spec,
        "Say what to measure: "
            + spec.subcommands().keySet().stream()
                .filter(name -> !name.equals("help"))
                .collect(Collectors.joining(", ")));
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Devices connected, registered and silent: memory of each.")
  int idle(
      @Mixin ServerOptions server,
      @Mixin LoadOptions.Devices devices,
      @Mixin LoadOptions.Channels channels,
      @Mixin LoadOptions.AtATime atATime,
      @Option(
              names = "--hold",
              paramLabel = "S",
              defaultValue = "5",
              converter = LoadOptions.Seconds.class,
              description = "Seconds of silence. Default ${DEFAULT-VALUE}.")
          Duration hold)
      throws Exception {
    return run(server, new Mode.Idle(devices.count, channels.count, atATime.count, hold));
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "A closed loop of PUTs to connected devices.")
  int throughput(
      @Mixin ServerOptions server,
      @Mixin LoadOptions.Devices devices,
      @Mixin LoadOptions.Channels channels,
      @Mixin LoadOptions.Puts puts,
      @Mixin LoadOptions.Times times,
      @Mixin LoadOptions.Rounds rounds)
      throws Exception {
    return run(
        server,
        new Mode.Throughput(
            devices.count,
            channels.count,
            puts.connections,
            times.warmUp,
            times.duration,
            rounds.count));
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "PUTs at a fixed rate, with idle devices besides: latency.")
  int open(
      @Mixin ServerOptions server,
      @Mixin LoadOptions.Rate rate,
      @Mixin LoadOptions.Devices devices,
      @Mixin LoadOptions.Idle idle,
      @Mixin LoadOptions.Puts puts,
      @Mixin LoadOptions.Times times,
      @Mixin LoadOptions.Rounds rounds)
      throws Exception {
    return run(
        server,
        new Mode.Open(
            rate.perSecond,
            devices.count,
            idle.count,
            puts.connections,
            times.warmUp,
            times.duration,
            rounds.count));
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Versions published while devices are away; then they come back.")
  int offline(
      @Mixin ServerOptions server,
      @Mixin LoadOptions.Devices devices,
      @Mixin LoadOptions.Channels channels,
      @Option(
              names = "--versions",
              paramLabel = "N",
              defaultValue = "5",
              converter = LoadOptions.Count.class,
              description = "Versions published to each channel. Default ${DEFAULT-VALUE}.")
          int versions,
      @Mixin LoadOptions.Puts puts)
      throws Exception {
    return run(server, new Mode.Offline(devices.count, channels.count, versions, puts.connections));
  }

  @Command(
      name = "fan-out",
      mixinStandardHelpOptions = true,
      description = "Many channels on one device, then one version to many devices.")
  int fanOut(
      @Mixin ServerOptions server,
      @Mixin LoadOptions.Channels channels,
      @Mixin LoadOptions.Devices devices,
      @Mixin LoadOptions.Puts puts,
      @Mixin LoadOptions.Times times,
      @Mixin LoadOptions.Rounds rounds)
      throws Exception {
    return run(
        server,
        new Mode.FanOut(
            channels.count,
            devices.count,
            puts.connections,
            times.warmUp,
            times.duration,
            rounds.count));
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Devices that connect, say hello and register, as many as they can.")
  int storm(
      @Mixin ServerOptions server,
      @Mixin LoadOptions.Devices devices,
      @Mixin LoadOptions.Channels channels,
      @Mixin LoadOptions.AtATime atATime,
      @Option(
              names = "--warm-up-rounds",
              paramLabel = "N",
              defaultValue = "2",
              converter = LoadOptions.CountOrNone.class,
              description = "Rounds that do not count. Default ${DEFAULT-VALUE}.")
          int warmUpRounds,
      @Mixin LoadOptions.Rounds rounds)
      throws Exception {
    return run(
        server,
        new Mode.Storm(devices.count, channels.count, atATime.count, warmUpRounds, rounds.count));
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "More and more devices: what each costs should stay the same.")
  int growth(
      @Mixin ServerOptions server,
      @Option(
              names = "--steps",
              split = ",",
              defaultValue = "1000,4000,10000,19000",
              converter = LoadOptions.Count.class,
              description = "Devices connected, step by step. Default ${DEFAULT-VALUE}.")
          List<Integer> steps,
      @Mixin LoadOptions.Devices active,
      @Mixin LoadOptions.Puts puts,
      @Mixin LoadOptions.Times times)
      throws Exception {
    return run(
        server,
        new Growth(
            growing("--steps", steps),
            active.count,
            puts.connections,
            times.warmUp,
            times.duration));
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "More and more channels a device: a notification should cost the same.")
  int width(
      @Mixin ServerOptions server,
      @Option(
              names = "--steps",
              split = ",",
              defaultValue = "1,10,50,200",
              converter = LoadOptions.Count.class,
              description = "Channels a device, step by step. Default ${DEFAULT-VALUE}.")
          List<Integer> steps,
      @Mixin LoadOptions.Devices devices,
      @Mixin LoadOptions.Puts puts,
      @Mixin LoadOptions.Times times)
      throws Exception {
    return run(
        server,
        new Width(
            growing("--steps", steps),
            devices.count,
            puts.connections,
            times.warmUp,
            times.duration));
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Devices that stop reading: what they cost the others.")
  int hang(
      @Mixin ServerOptions server,
      @Mixin LoadOptions.Devices devices,
      @Option(
              names = "--hanging",
              paramLabel = "N",
              defaultValue = "100",
              converter = LoadOptions.Count.class,
              description = "Devices that do not read. Default ${DEFAULT-VALUE}.")
          int hanging,
      @Mixin LoadOptions.Puts puts,
      @Mixin LoadOptions.Times times)
      throws Exception {
    return run(
        server, new Hang(devices.count, hanging, puts.connections, times.warmUp, times.duration));
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Full load for long: the heap should not grow.")
  int soak(
      @Mixin ServerOptions server,
      @Mixin LoadOptions.Devices devices,
      @Mixin LoadOptions.Puts puts,
      @Option(
              names = "--settle",
              paramLabel = "S",
              defaultValue = "60",
              converter = LoadOptions.Seconds.class,
              description = "Seconds before the heap is measured first. Default ${DEFAULT-VALUE}.")
          Duration settle,
      @Option(
              names = "--duration",
              paramLabel = "S",
              defaultValue = "540",
              converter = LoadOptions.Seconds.class,
              description = "Seconds until it is measured again. Default ${DEFAULT-VALUE}.")
          Duration duration)
      throws Exception {
    return run(server, new Soak(devices.count, puts.connections, settle, duration));
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "All of these but offline, fan-out and soak; the results in Markdown.")
  int all(
      @Mixin ServerOptions server,
      @Mixin LoadOptions.Devices active,
      @Mixin LoadOptions.Idle idle,
      @Option(
              names = "--most",
              paramLabel = "N",
              defaultValue = "19000",
              converter = LoadOptions.Count.class,
              description = "Devices of idle, and of the last step. Default ${DEFAULT-VALUE}.")
          int most,
      @Mixin LoadOptions.Rate rate,
      @Mixin LoadOptions.Times times,
      @Mixin LoadOptions.Rounds rounds,
      @Option(
              names = "--readme",
              paramLabel = "PATH",
              description = "Write the results into this file, between its marks, too.")
          @Nullable Path readme)
      throws Exception {
    int count = active.count;
    Duration warmUp = times.warmUp;
    Duration duration = times.duration;
    List<Integer> steps = growing("--most", List.of(count, most / 4, most / 2, most));
    List<Mode> modes =
        List.of(
            new Mode.Idle(most, 1, 64, duration),
            new Mode.Throughput(count, 1, 32, warmUp, duration, rounds.count),
            new Mode.Open(rate.perSecond, count, idle.count, 32, warmUp, duration, rounds.count),
            new Mode.Storm(Math.min(5000, idle.count), 1, 64, 2, rounds.count),
            new Growth(steps, count, 32, warmUp, duration),
            new Width(List.of(1, 10, 50, 200), 100, 32, warmUp, duration),
            new Hang(count, 100, 32, warmUp, duration));
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

  private static int run(ServerOptions server, Mode mode)
      throws LoadException, IOException, InterruptedException {
    Report report = server.measure(mode);
    System.out.print(report.table());
    System.out.println(report.json());
    return report.isGood() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  private List<Integer> growing(String option, List<Integer> steps) {
    for (int i = 1; i < steps.size(); i++) {
      if (steps.get(i) <= steps.get(i - 1)) {
        throw CommandLines.wrong(
            spec, option + " must grow from one to the next, but was " + steps);
      }
    }
    return steps;
  }
}
