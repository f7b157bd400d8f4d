package org.simplepush.examples.cli;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads amounts of memory as the JVM's own options do: {@code 64m}, {@code 2g}. */
public final class BytesOption implements ITypeConverter<Long> {
  private static final Pattern SHAPE = Pattern.compile("([0-9]{1,9})([kmgKMG])");

  /** Picocli makes one. */
  public BytesOption() {}

  @Override
  public Long convert(String text) {
    Matcher matcher = SHAPE.matcher(text);
    if (!matcher.matches()) {
      throw new TypeConversionException(
          "'" + text + "' is not an amount of memory: write a number and k, m or g, such as 64m");
    }
    int shift =
        switch (matcher.group(2)) {
          case "k", "K" -> 10;
          case "m", "M" -> 20;
          default -> 30;
        };
    return Long.parseLong(matcher.group(1)) << shift;
  }
}
