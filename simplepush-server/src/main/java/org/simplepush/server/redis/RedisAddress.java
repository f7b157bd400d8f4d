package org.simplepush.server.redis;

import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterURIUtil;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Where Redis is, as Lettuce writes it, without ever showing the password.
 *
 * @param seeds one or more; several only of a cluster
 */
record RedisAddress(List<RedisURI> seeds) {
  /** An answer that takes longer will not be waited for, unless the URI says otherwise. */
  private static final Duration TIMEOUT = Duration.ofSeconds(3);

  private static final String SYNTAX =
      "A Redis store is redis://HOST:PORT, rediss:// for TLS, redis-sentinel://HOST:PORT#MASTER, or"
          + " several HOST:PORT of a cluster with commas between";

  /**
   * Reads a URI.
   *
   * @throws IllegalArgumentException if it is none, with a sentence that does not repeat it
   */
  static RedisAddress parse(String uri) {
    if (!uri.matches("rediss?(-sentinel)?://.+")) {
      throw new IllegalArgumentException(SYNTAX);
    }
    List<RedisURI> seeds;
    try {
      URI parsed = new URI(uri);
      boolean cluster = uri.matches("rediss?://.+") && uri.replaceAll("[?#].*", "").contains(",");
      seeds = cluster ? RedisClusterURIUtil.toRedisURIs(parsed) : List.of(RedisURI.create(parsed));
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(SYNTAX + "; this one is wrong: " + e.getReason());
    } catch (RuntimeException e) {
      // Its message may hold the URI, and with it the password.
      throw new IllegalArgumentException(SYNTAX + "; this one is wrong");
    }
    for (RedisURI seed : seeds) {
      // A port that is no number is taken for a part of the name.
      String host = seed.getHost();
      if (host != null && host.contains(":") && !host.matches("[0-9a-fA-F:.]+(%.+)?")) {
        throw new IllegalArgumentException(SYNTAX + "; this one is wrong: the port");
      }
      if (seed.getTimeout().equals(RedisURI.DEFAULT_TIMEOUT_DURATION)) {
        seed.setTimeout(TIMEOUT);
      }
    }
    return new RedisAddress(seeds);
  }

  Duration timeout() {
    return seeds.get(0).getTimeout();
  }

  /** Host and port of each, for people. */
  @Override
  public String toString() {
    return seeds.stream()
        .flatMap(
            seed -> seed.getSentinels().isEmpty() ? Stream.of(seed) : seed.getSentinels().stream())
        .map(seed -> seed.getHost() + ":" + seed.getPort())
        .collect(Collectors.joining(", "));
  }
}
