package org.simplepush.examples.standalone;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.simplepush.examples.cli.CommandLines;
import org.simplepush.server.PushServer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options of one subject, which picocli fills in. */
abstract class Options {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /** Sets what the options say. A value that the builder refuses is reported with its option. */
  void applyTo(PushServer.Builder builder) {}

  /** Passes the value of an option on, if it has one. */
  final <T> void set(String option, @Nullable T value, Consumer<T> setter) {
    try {
      if (value != null) {
        setter.accept(value);
      }
    } catch (IllegalArgumentException e) {
      throw wrong(option, String.valueOf(e.getMessage()));
    }
  }

  final ParameterException wrong(String option, String sentence) {
    return new ParameterException(
        command.commandLine(), option + ": " + sentence, command.findOption(option), null);
  }

  final ParameterException wrong(String sentence) {
    return CommandLines.wrong(command, sentence);
  }
}
