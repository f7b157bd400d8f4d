package org.simplepush.server;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.BaseUnits;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.function.ToDoubleFunction;
import org.simplepush.server.internal.Refusal;

/**
 * Shows the {@link ServerStatistics} of a server in a Micrometer registry, under {@code
 * simplepush.} and the name of each. What moves which number is said there.
 *
 * <p>Needs micrometer-core, an optional dependency of this module.
 *
 * @since 0.1
 */
@SuppressWarnings("exports") // who uses this class has that module
public final class PushServerMetrics implements MeterBinder {
  private final PushServer server;

  /** Metrics of one server; two servers need a registry with a tag that tells them apart. */
  public PushServerMetrics(PushServer server) {
    this.server = server;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    show(registry, "connections", ServerStatistics::connections, "WebSocket connections open now");
    show(
        registry,
        "sleeping",
        ServerStatistics::sleeping,
        "Devices asleep now until a datagram wakes them");
    count(
        registry,
        "connections.opened",
        ServerStatistics::connectionsOpened,
        "TCP connections accepted on the WebSocket port");
    count(
        registry,
        "connections.closed",
        ServerStatistics::connectionsClosed,
        "Connections that have ended, for whatever reason");
    for (Refusal refusal : Refusal.values()) {
      showRefusal(registry, refusal);
    }
    count(registry, "hellos", ServerStatistics::hellos, "Hellos answered with a UAID");
    count(
        registry,
        "uaids.assigned",
        ServerStatistics::uaidsAssigned,
        "Hellos answered with another UAID than the device sent, or sent by one without");
    count(
        registry,
        "takeovers",
        ServerStatistics::takeovers,
        "Connections closed because their user agent connected anew");
    count(registry, "registers", ServerStatistics::registers, "Registers answered with 200");
    count(registry, "unregisters", ServerStatistics::unregisters, "Unregisters answered with 200");
    count(
        registry,
        "updates.accepted",
        ServerStatistics::updatesAccepted,
        "Updates published that raised a version");
    count(
        registry,
        "updates.collapsed",
        ServerStatistics::updatesCollapsed,
        "Accepted updates that a higher version replaced before they were acknowledged");
    count(
        registry,
        "updates.repeated",
        ServerStatistics::updatesRepeated,
        "Updates published that were equal to the current version");
    count(
        registry,
        "updates.stale",
        ServerStatistics::updatesStale,
        "Updates published that were lower than the current version");
    count(registry, "updates.gone", ServerStatistics::updatesGone, "Updates answered with 410");
    count(
        registry,
        "updates.refused",
        ServerStatistics::updatesRefused,
        "Requests to endpoints answered with 400, 404, 405, 413, 415 or 429");
    count(
        registry,
        "updates.sent",
        ServerStatistics::updatesSent,
        "Updates sent to devices, repetitions included");
    count(
        registry,
        "updates.resent",
        ServerStatistics::updatesResent,
        "Updates sent again because they were not acknowledged in time");
    count(
        registry,
        "updates.acknowledged",
        ServerStatistics::updatesAcknowledged,
        "Acknowledgements of updates, repeated and outdated ones included");
    count(registry, "nacks", ServerStatistics::nacks, "Nacks received");
    count(registry, "store.failures", ServerStatistics::storeFailures, "Steps the store failed");
    count(
        registry,
        "user.agents.expired",
        ServerStatistics::userAgentsExpired,
        "User agents dropped because they were not seen for too long");
    count(
        registry,
        "wake.ups.sent",
        ServerStatistics::wakeUpsSent,
        "Datagrams sent to wake devices, repetitions included");
    count(
        registry,
        "hints.received",
        ServerStatistics::hintsReceived,
        "Hints between nodes that came to this one");
    count(
        registry,
        "hints.lost",
        ServerStatistics::hintsLost,
        "How often hints between nodes may have been lost");
    count(
        registry,
        "store.losses",
        ServerStatistics::storeLosses,
        "How often the shared store had lost what it had confirmed");
    count(
        registry,
        "store.restored",
        ServerStatistics::storeRestored,
        "Versions, channels and user agents that this node has put back after that");
    count(
        registry,
        "superseded",
        ServerStatistics::superseded,
        "Connections closed because the shared store had a newer one of their user agent");
    count(
        registry,
        "digest.mismatches",
        ServerStatistics::digestMismatches,
        "How often the shared store had other channels than the device should have");
    count(
        registry,
        "gone.hints",
        ServerStatistics::goneHints,
        "Devices compared because somebody wanted to publish to a channel that is gone");
    server.statistics().memory().forEach(kind -> showMemory(registry, kind.kind()));
  }

  private void showRefusal(MeterRegistry registry, Refusal refusal) {
    boolean ofConnections = refusal.kind() == Refusal.Kind.CONNECTION;
    String what = ofConnections ? "connections.refused" : "registrations.refused";
    FunctionCounter.builder("simplepush." + what, server, s -> s.refusals().sum(refusal))
        .description(
            ofConnections
                ? "Connections turned away: over a limit, not admitted, or no handshake"
                : "Hellos and registers that would have created too much")
        .tag("reason", refusal.reason())
        .register(registry);
  }

  private void showMemory(MeterRegistry registry, String kind) {
    Gauge.builder("simplepush.memory.used", server, s -> of(s, kind).used())
        .description("Heap that strangers make the server hold")
        .baseUnit(BaseUnits.BYTES)
        .tag("kind", kind)
        .strongReference(true)
        .register(registry);
    Gauge.builder("simplepush.memory.limit", server, s -> of(s, kind).limit())
        .description("Heap that strangers may make the server hold")
        .baseUnit(BaseUnits.BYTES)
        .tag("kind", kind)
        .strongReference(true)
        .register(registry);
    FunctionCounter.builder("simplepush.memory.shed", server, s -> of(s, kind).shed())
        .description("Connections and requests refused or closed for want of memory")
        .tag("kind", kind)
        .register(registry);
  }

  private static ServerStatistics.MemoryUse of(PushServer server, String kind) {
    return server.statistics().memory().stream()
        .filter(use -> use.kind().equals(kind))
        .findFirst()
        .orElseThrow();
  }

  private void show(
      MeterRegistry registry,
      String name,
      ToDoubleFunction<ServerStatistics> number,
      String description) {
    Gauge.builder("simplepush." + name, server, s -> number.applyAsDouble(s.statistics()))
        .description(description)
        .strongReference(true)
        .register(registry);
  }

  private void count(
      MeterRegistry registry,
      String name,
      ToDoubleFunction<ServerStatistics> number,
      String description) {
    FunctionCounter.builder("simplepush." + name, server, s -> number.applyAsDouble(s.statistics()))
        .description(description)
        .register(registry);
  }
}
