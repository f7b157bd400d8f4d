package org.simplepush.client.internal.device;

import java.net.URI;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.connection.KeepAlive;
import org.simplepush.client.internal.device.Deadlines.Deadline;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;

/**
 * What a device must not forget. Each change is reported, so that it is saved. Confined to the
 * loop.
 */
public final class DeviceState {
  private @Nullable Uaid uaid;
  private final Map<ChannelId, Registration> registrations = new LinkedHashMap<>();

  /** Applications that have lost endpoints, and it is not known which. */
  private final Set<String> toRegisterAnew = new LinkedHashSet<>();

  /** In the order in which they came up. */
  private final Set<Owed> owed = new LinkedHashSet<>();

  /** How long a connection may be silent in a network. */
  private final Map<String, KeepAlive.Learned> networks = new LinkedHashMap<>();

  /** What is installed. */
  private final Map<String, Manifest> manifests = new LinkedHashMap<>();

  /** Waits of days: when they are over by the wall clock, in milliseconds since 1970. */
  private final Map<Deadline, Long> deadlines = new LinkedHashMap<>();

  private Runnable changed = () -> {};

  /** Sets what is called after each change from now on. */
  void whenChanged(Runnable saver) {
    changed = saver;
  }

  @Nullable Uaid uaid() {
    return uaid;
  }

  void uaid(Uaid newUaid) {
    uaid = newUaid;
    changed.run();
  }

  // Registrations.

  Collection<Registration> registrations() {
    return Collections.unmodifiableCollection(registrations.values());
  }

  public List<ChannelId> channelIds() {
    return List.copyOf(registrations.keySet());
  }

  @Nullable Registration registration(ChannelId channelId) {
    return registrations.get(channelId);
  }

  void add(Registration registration) {
    registrations.put(registration.channelId, registration);
    changed.run();
  }

  void remove(ChannelId channelId) {
    registrations.remove(channelId);
    changed.run();
  }

  /** The application has handled a version. */
  void handled(Registration registration, long version) {
    registration.handled(version);
    changed.run();
  }

  /** The application uses the successor, and has confirmed that. */
  void retire(Registration old, ChannelId successor) {
    old.successor = successor;
    changed.run();
  }

  /** Returns the registration under which the application knows this one: mostly itself. */
  Registration knownAs(Registration registration) {
    Registration known = null;
    if (registration.successor != null) {
      known = registrations.get(registration.successor);
    } else {
      Owed fulfilled = fulfilledBy(registration.channelId);
      ChannelId shared = fulfilled == null ? null : fulfilled.versionsSharedWith();
      known = shared == null ? null : registrations.get(shared);
    }
    return known == null ? registration : known;
  }

  /** Whether this is what the application uses, and not what it took the place of or will. */
  boolean isKnown(Registration registration) {
    return registration.successor == null
        && !(fulfilledBy(registration.channelId) instanceof Owed.Renewal);
  }

  /** Returns the registration that this one took the place of and that still works, if any. */
  @Nullable Registration retiredFor(ChannelId successor) {
    for (Registration registration : registrations.values()) {
      if (successor.equals(registration.successor)) {
        return registration;
      }
    }
    return null;
  }

  /** Whether the application has an endpoint, or is to get one. */
  boolean isUsing(String application) {
    return registrations.values().stream().anyMatch(known -> known.application.equals(application))
        || owed.stream().anyMatch(candidate -> candidate.application.equals(application));
  }

  // What the device owes.

  Set<Owed> owed() {
    return Collections.unmodifiableSet(owed);
  }

  void owe(Owed endpoint) {
    owed.add(endpoint);
    changed.run();
  }

  /** The application has handled it, or is not interested. */
  void settle(Owed endpoint) {
    if (owed.remove(endpoint)) {
      changed.run();
    }
  }

  /** A channel is registered for it; null if that is gone. */
  void fulfil(Owed endpoint, @Nullable ChannelId channelId) {
    if (!Objects.equals(endpoint.channelId, channelId)) {
      endpoint.channelId = channelId;
      changed.run();
    }
  }

  /** The endpoint that is renewed is of no use any more. */
  void distrust(Owed.Renewal renewal) {
    renewal.distrusted = true;
    changed.run();
  }

  /** Returns what this channel fulfils, if anything. */
  @Nullable Owed fulfilledBy(ChannelId channelId) {
    for (Owed candidate : owed) {
      if (channelId.equals(candidate.channelId)) {
        return candidate;
      }
    }
    return null;
  }

  /** Returns what is to take the place of this channel, if anything. */
  Owed.@Nullable Renewal renewalOf(ChannelId channelId) {
    for (Owed candidate : owed) {
      if (candidate instanceof Owed.Renewal renewal && channelId.equals(renewal.renewed)) {
        return renewal;
      }
    }
    return null;
  }

  /** Returns the registration that fulfils this, if there is one. */
  @Nullable Registration fulfilling(Owed endpoint) {
    ChannelId channelId = endpoint.channelId;
    return channelId == null ? null : registrations.get(channelId);
  }

  // Losses.

  /** The application has lost endpoints, and it is not known which. */
  void registerAnew(String application) {
    toRegisterAnew.add(application);
    changed.run();
  }

  Set<String> toRegisterAnew() {
    return Collections.unmodifiableSet(toRegisterAnew);
  }

  /** Returns the applications that have lost endpoints for which there is nothing else yet. */
  Set<String> applicationsWithLosses() {
    Set<String> applications = new LinkedHashSet<>(toRegisterAnew);
    for (Owed candidate : owed) {
      if (candidate.isLoss() && candidate.channelId == null) {
        applications.add(candidate.application);
      }
    }
    return applications;
  }

  /** The application knows that endpoints are lost, and registers again. */
  void recovered(String application) {
    toRegisterAnew.remove(application);
    owed.removeIf(
        candidate ->
            candidate.isLoss()
                && candidate.channelId == null
                && candidate.application.equals(application));
    changed.run();
  }

  /** Whether this endpoint of the application is lost, and has no successor that it confirmed. */
  boolean isLost(String application, URI endpoint) {
    return owed.stream()
        .anyMatch(
            candidate ->
                candidate.isLoss()
                    && candidate.application.equals(application)
                    && candidate.isInPlaceOf(endpoint));
  }

  // Applications.

  Map<String, Manifest> manifests() {
    return Collections.unmodifiableMap(manifests);
  }

  void install(String application, Manifest manifest) {
    manifests.put(application, manifest);
    changed.run();
  }

  /** The application is gone, and with it what the device owes it; its channels are not. */
  void uninstall(String application) {
    manifests.remove(application);
    toRegisterAnew.remove(application);
    owed.removeIf(candidate -> candidate.application.equals(application));
    changed.run();
  }

  // Kept up to date, and reported, by those they are handed to.

  Map<String, KeepAlive.Learned> networks() {
    return networks;
  }

  Map<Deadline, Long> deadlines() {
    return deadlines;
  }
}
