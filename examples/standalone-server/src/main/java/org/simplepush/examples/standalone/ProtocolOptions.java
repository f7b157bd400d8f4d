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
      description =
          "Least time between pings of a device; 0s allows any. Default ${DEFAULT-VALUE}.")
  private Duration pingMin;

  @Option(
      names = "--hello-timeout",
      paramLabel = "D",
      defaultValue = "30s",
      description = "Longest time of a connection without hello. Default ${DEFAULT-VALUE}.")
  private Duration helloTimeout;

  @Option(
      names = "--redelivery",
      paramLabel = "D",
      defaultValue = "60s",
      description =
          "Time after which a version that was not acknowledged is sent again. Default ${DEFAULT-VALUE}.")
  private Duration redelivery;

  @Option(
      names = "--expiry",
      paramLabel = "D",
      defaultValue = "7d",
      description =
          "Time after which a user agent that was not seen is dropped. Default ${DEFAULT-VALUE}.")
  private Duration expiry;

  @Option(
      names = "--drain",
      paramLabel = "D",
      defaultValue = "5s",
      description =
          "Time over which connections are closed when the server stops. Default ${DEFAULT-VALUE}.")
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
