package org.simplepush.examples.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The version of a program, as the manifest of its jar has it. */
public final class JarVersion implements IVersionProvider {
  @Spec private CommandSpec command;

  /** Picocli makes one and sets the command. */
  public JarVersion() {}

  /** Returns the version alone. */
  public static String text() {
    @Nullable String version = JarVersion.class.getPackage().getImplementationVersion();
    return version == null ? "unknown: not run from its jar" : version;
  }

  @Override
  public String[] getVersion() {
    return new String[] {"SimplePush " + command.root().name() + " " + text()};
  }
}
