package org.simplepush.examples.standalone;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads how many in which time: {@code 10/1s}, {@code 600/1h}. */
final class RateOption implements ITypeConverter<RateOption.Rate> {
  private static final Pattern SHAPE = Pattern.compile("([0-9]{1,9})/(.+)");

  /** So many in a window of time. */
  record Rate(int permits, Duration window) {}

  @Override
  public Rate convert(String text) {
    Matcher matcher = SHAPE.matcher(text);
    if (!matcher.matches()) {
      throw new TypeConversionException(
          "'" + text + "' is not a rate: write a number, / and a duration, such as 10/1s");
    }
    return new Rate(Integer.parseInt(matcher.group(1)), DurationOption.parse(matcher.group(2)));
  }
}
