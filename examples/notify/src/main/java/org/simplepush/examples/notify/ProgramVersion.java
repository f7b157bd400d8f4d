package org.simplepush.examples.notify;

import picocli.CommandLine.IVersionProvider;

/** Tells which version this program is, as the jar's manifest says. */
final class ProgramVersion implements IVersionProvider {
  @Override
  public String[] getVersion() {
    String version = ProgramVersion.class.getPackage().getImplementationVersion();
    return new String[] {
      "SimplePush notify " + (version == null ? "unknown: not run from its jar" : version)
    };
  }
}
