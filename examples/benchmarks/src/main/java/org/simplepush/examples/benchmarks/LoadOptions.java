package org.simplepush.examples.benchmarks;

import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options that several commands share: each is a mixin of the commands that have it. */
final class LoadOptions {
  private static final String DEFAULT = " Default ${DEFAULT-VALUE}.";

  private LoadOptions() {}

  /** How many devices. */
  static final class Devices {
    @Option(
        names = "--devices",
        paramLabel = "N",
        defaultValue = "1000",
        converter = Count.class,
        description = "Devices, those that get updates." + DEFAULT)
    int count;
  }

  /** How many channels each device has. */
  static final class Channels {
    @Option(
        names = "--channels",
        paramLabel = "N",
        defaultValue = "1",
        converter = Count.class,
        description = "Channels of each device." + DEFAULT)
    int count;
  }

  /** How many devices connect at the same time. */
  static final class AtATime {
    @Option(
        names = "--at-a-time",
        paramLabel = "N",
        defaultValue = "64",
        converter = Count.class,
        description = "Devices that connect at the same time." + DEFAULT)
    int count;
  }

  /** How many connections send PUTs. */
  static final class Puts {
    @Option(
        names = "--puts",
        paramLabel = "N",
        defaultValue = "32",
        converter = Count.class,
        description = "Connections that send PUTs." + DEFAULT)
    int connections;
  }

  /** A fixed rate of PUTs. */
  static final class Rate {
    @Option(
        names = "--rate",
        paramLabel = "N",
        defaultValue = "5000",
        converter = Count.class,
        description = "PUTs a second, for latencies." + DEFAULT)
    int perSecond;
  }

  /** How many devices are connected and get nothing. */
  static final class Idle {
    @Option(
        names = "--idle",
        paramLabel = "N",
        defaultValue = "15000",
        converter = CountOrNone.class,
        description = "Idle devices besides, at the fixed rate." + DEFAULT)
    int count;
  }

  /** How long a measurement takes. */
  static final class Times {
    @Option(
        names = "--warm-up",
        paramLabel = "S",
        defaultValue = "10",
        converter = Seconds.class,
        description = "Seconds before the first measurement." + DEFAULT)
    Duration warmUp;

    @Option(
        names = "--duration",
        paramLabel = "S",
        defaultValue = "5",
        converter = Seconds.class,
        description = "Seconds of each measurement." + DEFAULT)
    Duration duration;
  }

  /** How often something is measured. */
  static final class Rounds {
    @Option(
        names = "--rounds",
        paramLabel = "N",
        defaultValue = "3",
        converter = Count.class,
        description = "Measurements, of which the median counts." + DEFAULT)
    int count;
  }

  /** A number from 1 to a million. */
  static final class Count implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      return number(text, 1, 1_000_000);
    }
  }

  /** A number from 0 to a million. */
  static final class CountOrNone implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      return number(text, 0, 1_000_000);
    }
  }

  /** A number of seconds, up to an hour. */
  static final class Seconds implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      return Duration.ofSeconds(number(text, 0, 3600));
    }
  }

  private static int number(String text, int least, int most) {
    if (text.matches("[0-9]{1,9}")) {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    }
    throw new TypeConversionException(
        "must be a number from %,d to %,d, but was '%s'".formatted(least, most, text));
  }

  /** The defaults of commands that are not those of the options above. */
  static final class Defaults implements IDefaultValueProvider {
    private static final Map<String, Map<String, String>> BY_COMMAND =
        Map.of(
            "idle", Map.of("--devices", "10000"),
            "offline", Map.of("--channels", "10"),
            "fan-out", Map.of("--channels", "200"),
            "storm", Map.of("--devices", "5000"),
            "growth", Map.of("--duration", "3"),
            "width", Map.of("--devices", "100", "--duration", "3"),
            "hang", Map.of("--duration", "10"),
            "stores", Map.of("--rate", "1000", "--warm-up", "8", "--duration", "8"),
            "survive", Map.of("--devices", "200", "--channels", "5", "--puts", "24"),
            "siege", Map.of("--devices", "100"));

    @Override
    public @Nullable String defaultValue(ArgSpec argument) {
      if (!(argument instanceof OptionSpec option)) {
        return null;
      }
      Map<String, String> own = BY_COMMAND.getOrDefault(argument.command().name(), Map.of());
      return own.get(option.longestName());
    }
  }
}
