package org.simplepush.examples.cli;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads durations as people type them: {@code 500ms}, {@code 20s}, {@code 7d}. */
public final class DurationOption implements ITypeConverter<Duration> {
  private static final Pattern SHAPE = Pattern.compile("([0-9]{1,9})(ms|s|m|h|d)");

  private static final Map<String, Duration> UNITS =
      Map.of(
          "ms", Duration.ofMillis(1),
          "s", Duration.ofSeconds(1),
          "m", Duration.ofMinutes(1),
          "h", Duration.ofHours(1),
          "d", Duration.ofDays(1));

  /** Picocli makes one. */
  public DurationOption() {}

  @Override
  public Duration convert(String text) {
    Matcher matcher = SHAPE.matcher(text);
    if (!matcher.matches()) {
      throw new TypeConversionException(
          "'" + text + "' is not a duration: write a number and ms, s, m, h or d, such as 20s");
    }
    Duration unit = Objects.requireNonNull(UNITS.get(matcher.group(2)), "the pattern lists them");
    return unit.multipliedBy(Long.parseLong(matcher.group(1)));
  }
}
