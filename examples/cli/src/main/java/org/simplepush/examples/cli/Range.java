package org.simplepush.examples.cli;

import java.text.NumberFormat;
import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;

/** Checks the numbers that options give. */
public final class Range {
  private Range() {}

  /**
   * Checks that a number is within a range.
   *
   * @param least the least that is allowed
   * @param most the most that is allowed
   * @throws picocli.CommandLine.ParameterException with a sentence if it is not, or not a number
   */
  public static void check(
      CommandSpec command, String option, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      NumberFormat plain = NumberFormat.getInstance(Locale.ROOT);
      throw CommandLines.wrong(
          command,
          "%s must be %s to %s, but was %s"
              .formatted(option, plain.format(least), plain.format(most), plain.format(value)));
    }
  }
}
