package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterURIUtil;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.redis.RedisVersionStore.Confirmation;

/**
 * Where Redis is, as Lettuce writes it, without ever showing the password.
 *
 * @param seeds one or more; several only of a cluster
 * @param confirmation when a step is confirmed
 */
record RedisAddress(List<RedisURI> seeds, Confirmation confirmation) {
  /** An answer that takes longer will not be waited for, unless the URI says otherwise. */
  private static final Duration TIMEOUT = Duration.ofSeconds(3);

  private static final String SYNTAX =
      "A Redis store is redis://HOST:PORT, rediss:// for TLS, redis-sentinel://HOST:PORT#MASTER, or"
          + " several HOST:PORT of a cluster with commas between";

  /** A name may have an underscore, as those of Docker and Compose do. */
  private static final Pattern PLACE =
      Pattern.compile("(\\[[0-9a-fA-F:.%]+]|[A-Za-z0-9._-]+)((?::[0-9]+)?)");

  /**
   * Takes what the user made, as it is now.
   *
   * @throws IllegalArgumentException if there is none, or one without a host
   */
  static RedisAddress of(List<RedisURI> uris, Confirmation confirmation) {
    if (uris.isEmpty()) {
      throw new IllegalArgumentException("A Redis store needs at least one address");
    }
    for (RedisURI uri : uris) {
      if (uri.getHost() == null && uri.getSocket() == null && uri.getSentinels().isEmpty()) {
        throw new IllegalArgumentException("An address of Redis has a host, or Sentinels");
      }
    }
    List<RedisURI> seeds = uris.stream().map(RedisAddress::copy).toList();
    for (RedisURI seed : seeds) {
      if (seed.getTimeout().equals(RedisURI.DEFAULT_TIMEOUT_DURATION)) {
        seed.setTimeout(TIMEOUT);
      }
      seed.getSentinels().forEach(sentinel -> sentinel.setTimeout(seed.getTimeout()));
    }
    return new RedisAddress(seeds, confirmation);
  }

  private static RedisURI copy(RedisURI uri) {
    RedisURI copy = new RedisURI();
    if (uri.getHost() != null) {
      copy.setHost(uri.getHost());
      copy.setPort(uri.getPort());
    }
    copy.setSocket(uri.getSocket());
    copy.setDatabase(uri.getDatabase());
    copy.setClientName(uri.getClientName());
    copy.setTimeout(uri.getTimeout());
    copy.applySsl(uri);
    copy.applyAuthentication(uri);
    copy.setSentinelMasterId(uri.getSentinelMasterId());
    uri.getSentinels().forEach(sentinel -> copy.getSentinels().add(copy(sentinel)));
    return copy;
  }

  /**
   * Reads a URI.
   *
   * @throws IllegalArgumentException if it is none, with a sentence that does not repeat it
   */
  static RedisAddress parse(String uri) {
    if (!uri.matches("rediss?(-sentinel)?://.+")) {
      throw new IllegalArgumentException(SYNTAX);
    }
    URI parsed;
    try {
      parsed = new URI(uri);
    } catch (URISyntaxException e) {
      throw wrong(e.getReason());
    }
    boolean sentinel = parsed.getScheme().endsWith("-sentinel");
    List<String> hosts = new ArrayList<>();
    URI plain = withPlainNames(parsed, hosts);
    boolean cluster = !sentinel && hosts.size() > 1;
    if (cluster && parsed.getRawPath().length() > 1) {
      throw wrong("a cluster has no numbered databases");
    }
    List<RedisURI> seeds;
    try {
      seeds = cluster ? RedisClusterURIUtil.toRedisURIs(plain) : List.of(RedisURI.create(plain));
    } catch (RuntimeException e) {
      // Its message may hold the URI, and with it the password.
      throw new IllegalArgumentException(SYNTAX + "; this one is wrong");
    }
    List<RedisURI> places = sentinel ? seeds.get(0).getSentinels() : seeds;
    for (int i = 0; i < hosts.size(); i++) {
      places.get(i).setHost(hosts.get(i));
    }
    String password = parameter(parsed, "sentinelPassword");
    if (password != null && !sentinel) {
      throw wrong("only redis-sentinel:// takes a sentinelPassword");
    }
    if (password != null) {
      RedisCredentials credentials =
          RedisCredentials.just(parameter(parsed, "sentinelUser"), password);
      places.forEach(
          place -> place.setCredentialsProvider(RedisCredentialsProvider.from(() -> credentials)));
    }
    String replicas = parameter(parsed, "replicas");
    if (replicas != null && !replicas.matches("[0-9]{1,3}")) {
      throw wrong("replicas is a number");
    }
    String fsync = parameter(parsed, "fsync");
    if (fsync != null && !fsync.matches("[01]")) {
      throw wrong("fsync is 0 or 1");
    }
    return of(
        seeds,
        new Confirmation(replicas == null ? 0 : Integer.parseInt(replicas), "1".equals(fsync)));
  }

  private static IllegalArgumentException wrong(String what) {
    return new IllegalArgumentException(SYNTAX + "; this one is wrong: " + what);
  }

  /**
   * Puts plain names into the place of hosts, which are added to the list. Neither {@link URI} nor
   * Lettuce reads all that are in use.
   */
  private static URI withPlainNames(URI uri, List<String> hosts) {
    String authority = uri.getRawAuthority() == null ? "" : uri.getRawAuthority();
    int userEnd = authority.lastIndexOf('@') + 1;
    List<String> plain = new ArrayList<>();
    for (String place : authority.substring(userEnd).split(",", -1)) {
      Matcher matcher = PLACE.matcher(place);
      if (!matcher.matches()) {
        throw wrong("the host or the port");
      }
      String host = matcher.group(1);
      hosts.add(host.startsWith("[") ? host.substring(1, host.length() - 1) : host);
      plain.add("host" + matcher.group(2));
    }
    String changed = authority.substring(0, userEnd) + String.join(",", plain);
    return URI.create(
        uri.toString().replaceFirst(Pattern.quote(authority), Matcher.quoteReplacement(changed)));
  }

  private static @Nullable String parameter(URI uri, String name) {
    String query = uri.getRawQuery() == null ? "" : uri.getRawQuery();
    for (String each : query.split("&", -1)) {
      if (each.startsWith(name + "=")) {
        // A plus sign means itself here.
        return URLDecoder.decode(each.substring(name.length() + 1).replace("+", "%2B"), UTF_8);
      }
    }
    return null;
  }

  Duration timeout() {
    return seeds.get(0).getTimeout();
  }

  /** What the Sentinels are asked for; null if there are none. */
  @Nullable String master() {
    return seeds.get(0).getSentinelMasterId();
  }

  /** Host and port of each, for people. */
  @Override
  public String toString() {
    return seeds.stream()
        .flatMap(
            seed -> seed.getSentinels().isEmpty() ? Stream.of(seed) : seed.getSentinels().stream())
        .map(RedisAddress::place)
        .collect(Collectors.joining(", "));
  }

  static String place(RedisURI uri) {
    return uri.getSocket() == null ? uri.getHost() + ":" + uri.getPort() : uri.getSocket();
  }
}
