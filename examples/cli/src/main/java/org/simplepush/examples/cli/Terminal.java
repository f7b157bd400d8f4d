package org.simplepush.examples.cli;

import java.io.Console;

/** The terminal that a program runs on. */
public final class Terminal {
  private Terminal() {}

  /** Returns whether input and output are a terminal, so that a person watches. */
  @SuppressWarnings("SystemConsoleNull") // newer versions are asked below
  public static boolean isPresent() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      // Java 22 and later have a console also where there is no terminal, and this method.
      return (Boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (NoSuchMethodException e) {
      return true;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("Console.isTerminal() cannot be called", e);
    }
  }
}
