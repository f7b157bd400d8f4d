package org.simplepush.examples.standalone;

import org.jspecify.annotations.Nullable;
import org.simplepush.examples.cli.BytesOption;
import org.simplepush.examples.cli.RateOption;
import org.simplepush.server.PushServer;
import picocli.CommandLine.Option;

/** What strangers may make the server hold and do. */
final class LimitOptions extends Options {
  @Option(
      names = "--max-connections",
      paramLabel = "N",
      description =
          "How many devices may be connected; more are refused with 503. Default what memory and"
              + " descriptors allow.")
  private @Nullable Integer maxConnections;

  @Option(
      names = "--max-connections-per-address",
      paramLabel = "N",
      description =
          "How many devices may be connected from one address; more are refused with 429. Default"
              + " one for each 64 KB of the heap, 1000 to 50000.")
  private @Nullable Integer maxConnectionsPerAddress;

  @Option(
      names = "--max-channels",
      paramLabel = "N",
      description =
          "How many channels the store may hold, and as many user agents; more are refused with 503."
              + " Not with Redis. Default what a quarter of the heap holds, with SQLite 10000000.")
  private @Nullable Long maxChannels;

  @Option(
      names = "--new-user-agents-per-minute",
      paramLabel = "N",
      description =
          "How many user agents may come into being from one address in a minute; more are refused"
              + " with 429. Default 3000.")
  private @Nullable Integer newUserAgentsPerMinute;

  @Option(
      names = "--new-channels-per-minute",
      paramLabel = "N",
      description =
          "How many channels may be registered from one address in a minute; more are refused with"
              + " 429. Default 12000.")
  private @Nullable Integer newChannelsPerMinute;

  @Option(
      names = "--comparisons-per-second",
      paramLabel = "N",
      description =
          "How many devices in a second are compared with Redis, at most, after it was away or"
              + " failed over. Default 5000.")
  private @Nullable Integer comparisonsPerSecond;

  @Option(
      names = "--limit-loopback",
      description =
          "Limits per address hold for the addresses of this machine, 127.0.0.0/8 and ::1, too."
              + " Default off.")
  private boolean limitLoopback;

  @Option(
      names = "--rate-limit",
      paramLabel = "N/D",
      converter = RateOption.class,
      description =
          "How many updates an endpoint takes in that time, like 10/1s; more are answered with 429."
              + " Default any number.")
  private RateOption.@Nullable Rate rateLimit;

  @Option(
      names = "--max-memory",
      paramLabel = "SIZE",
      converter = BytesOption.class,
      description =
          "How much of the heap strangers may make the server hold, such as 64m. Default three"
              + " eighths of it.")
  private @Nullable Long maxMemory;

  LimitOptions() {}

  @Override
  void applyTo(PushServer.Builder builder) {
    set("--max-connections", maxConnections, builder::maxConnections);
    set(
        "--max-connections-per-address",
        maxConnectionsPerAddress,
        builder::maxConnectionsPerAddress);
    set("--max-channels", maxChannels, builder::maxChannels);
    set("--new-user-agents-per-minute", newUserAgentsPerMinute, builder::newUserAgentsPerMinute);
    set("--new-channels-per-minute", newChannelsPerMinute, builder::newChannelsPerMinute);
    set("--comparisons-per-second", comparisonsPerSecond, builder::comparisonsPerSecond);
    set("--limit-loopback", limitLoopback, builder::limitLoopback);
    set(
        "--rate-limit",
        rateLimit,
        rate -> builder.endpointRateLimit(rate.permits(), rate.window()));
    set("--max-memory", maxMemory, builder::maxMemory);
  }
}
