package org.simplepush.examples.cli;

import java.time.Duration;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * How the programs read their options. A wrong option ends a program with exit code 2, another
 * failure with exit code 1, each with one sentence on the standard error.
 */
public final class CommandLines {
  private CommandLines() {}

  /** Returns what reads the options of this command. Durations are written as 20s or 7d. */
  public static CommandLine of(Object command) {
    CommandLine commandLine = new CommandLine(command);
    commandLine.registerConverter(Duration.class, new DurationOption());
    commandLine.setParameterExceptionHandler(
        (wrong, arguments) -> {
          wrong.getCommandLine().getErr().println(sentence(wrong));
          return CommandLine.ExitCode.USAGE;
        });
    commandLine.setExecutionExceptionHandler(
        (failure, failed, arguments) -> {
          failed.getErr().println(sentence(failure));
          return CommandLine.ExitCode.SOFTWARE;
        });
    return commandLine;
  }

  /** Returns the first line of what a failure says, with its type if it says only a word. */
  public static String sentence(Exception failure) {
    String message = failure.getMessage();
    String text = message == null || !message.contains(" ") ? failure.toString() : message;
    return text.lines().findFirst().orElse(text);
  }

  /** Returns the failure of a command whose options are wrong, to be thrown. */
  public static ParameterException wrong(CommandSpec command, String sentence) {
    return new ParameterException(command.commandLine(), sentence);
  }
}
