package org.simplepush.examples.emulator;

import picocli.CommandLine.IVersionProvider;

/** Tells which version this is, as the jar's manifest says. */
final class Version implements IVersionProvider {
  static String text() {
    String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "unknown: not run from its jar" : version;
  }

  @Override
  public String[] getVersion() {
    return new String[] {"SimplePush device emulator " + text()};
  }
}
