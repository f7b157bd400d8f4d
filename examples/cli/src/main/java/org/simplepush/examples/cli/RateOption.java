package org.simplepush.examples.cli;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a rate, a number and a time: {@code 10/1s}, {@code 600/1h}. */
public final class RateOption implements ITypeConverter<RateOption.Rate> {
  private static final Pattern SHAPE = Pattern.compile("([0-9]{1,9})/(.+)");

  /** A number of permits in a window of time. */
  public record Rate(int permits, Duration window) {}

  /** Picocli makes one. */
  public RateOption() {}

  @Override
  public Rate convert(String text) {
    Matcher matcher = SHAPE.matcher(text);
    if (!matcher.matches()) {
      throw new TypeConversionException(
          "'" + text + "' is not a rate: write a number, / and a duration, such as 10/1s");
    }
    return new Rate(
        Integer.parseInt(matcher.group(1)), new DurationOption().convert(matcher.group(2)));
  }
}
