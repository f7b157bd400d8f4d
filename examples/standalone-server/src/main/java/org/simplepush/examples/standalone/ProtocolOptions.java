package org.simplepush.examples.standalone;

import java.time.Duration;
import org.simplepush.server.PushServer;
import picocli.CommandLine.Option;

/** The intervals of the protocol. */
final class ProtocolOptions extends Options {
  @Option(
      names = "--ping-min",
      paramLabel = "D",
      defaultValue = "20s",
      description = "How far apart a device's pings must be, 0s is any. Default ${DEFAULT-VALUE}.")
  private Duration pingMin;

  @Option(
      names = "--hello-timeout",
      paramLabel = "D",
      defaultValue = "30s",
      description = "How long a connection may go without hello. Default ${DEFAULT-VALUE}.")
  private Duration helloTimeout;

  @Option(
      names = "--redelivery",
      paramLabel = "D",
      defaultValue = "60s",
      description = "When to send again what is not acknowledged. Default ${DEFAULT-VALUE}.")
  private Duration redelivery;

  @Option(
      names = "--expiry",
      paramLabel = "D",
      defaultValue = "7d",
      description = "When to drop a user agent that was not seen. Default ${DEFAULT-VALUE}.")
  private Duration expiry;

  @Option(
      names = "--drain",
      paramLabel = "D",
      defaultValue = "5s",
      description =
          "Over how long to close the connections when told to stop. Default ${DEFAULT-VALUE}.")
  private Duration drain;

  ProtocolOptions() {}

  @Override
  void applyTo(PushServer.Builder builder) {
    set("--ping-min", pingMin, builder::pingMinInterval);
    set("--hello-timeout", helloTimeout, builder::helloTimeout);
    set("--redelivery", redelivery, builder::redeliveryInterval);
    set("--expiry", expiry, builder::expiry);
    set("--drain", drain, builder::drain);
  }
}
