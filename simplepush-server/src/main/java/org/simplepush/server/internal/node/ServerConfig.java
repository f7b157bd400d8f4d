package org.simplepush.server.internal.node;

import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.VersionStore;
import org.simplepush.server.Admission;
import org.simplepush.server.DeliveryListener;
import org.simplepush.server.EndpointServer;
import org.simplepush.server.internal.ClientAddresses;
import org.simplepush.server.internal.Network;
import org.simplepush.server.internal.keys.KeyKeeper;
import org.simplepush.server.internal.session.ServerSettings;
import org.simplepush.server.internal.session.WakeUpSettings;

/**
 * What a server is made with; each setting is explained at its setter in the builder. Immutable.
 *
 * @param store null for one of its own, in memory
 * @param wakeUp null if no device may sleep
 * @param admission null if all may connect
 * @param deliveryListener null if nobody hears what was delivered
 */
public record ServerConfig(
    Listen listen,
    Endpoints endpoints,
    @Nullable VersionStore store,
    KeyKeeper.Settings keys,
    ServerSettings sessions,
    Limits limits,
    @Nullable WakeUpSettings wakeUp,
    @Nullable Admission admission,
    @Nullable DeliveryListener deliveryListener,
    Upkeep upkeep) {

  /** Where the server listens, and with how many threads. */
  public record Listen(
      String host,
      int port,
      boolean hasEndpointPort,
      int endpointPort,
      @Nullable SSLContext tls,
      int eventLoops) {
    URI webSocketUri(int boundPort) {
      return URI.create((tls == null ? "ws://" : "wss://") + authority(boundPort) + "/");
    }

    URI endpointUri(int boundPort) {
      return URI.create((tls == null ? "http://" : "https://") + authority(boundPort));
    }

    private String authority(int boundPort) {
      return (host.contains(":") ? "[" + host + "]" : host) + ":" + boundPort;
    }
  }

  /**
   * How endpoints are served.
   *
   * @param url what they begin with; null for where the server listens
   * @param server null for that of the JDK
   * @param executor of that of the JDK; null for one of its own
   */
  public record Endpoints(
      @Nullable URI url,
      @Nullable EndpointServer server,
      @Nullable Executor executor,
      Set<String> allowedOrigins,
      int rateLimit,
      Duration rateLimitWindow) {}

  /** What strangers may take (protocol §13). */
  public record Limits(
      int connections,
      int connectionsPerAddress,
      List<Network> trustedProxies,
      boolean limitLoopback,
      long channels,
      int newUserAgentsPerMinute,
      int newChannelsPerMinute,
      long memory) {
    /** One for both ports, so that a proxy that is not trusted is warned of once. */
    ClientAddresses clientAddresses() {
      return new ClientAddresses(trustedProxies, limitLoopback);
    }
  }

  /**
   * How the server looks after itself.
   *
   * @param outOfMemoryHandler null if nobody is told
   */
  public record Upkeep(
      Duration drain,
      Duration expiryInterval,
      int comparisonsPerSecond,
      InstantSource clock,
      @Nullable Consumer<? super OutOfMemoryError> outOfMemoryHandler) {
    /** How often to look whether the store is full of strangers. */
    private static final Duration RELIEF_INTERVAL = Duration.ofSeconds(10);

    Duration reliefInterval() {
      return expiryInterval.compareTo(RELIEF_INTERVAL) < 0 ? expiryInterval : RELIEF_INTERVAL;
    }
  }
}
