package org.simplepush.appserver;

import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.EndpointText;

/**
 * Subscriptions that end with the process. Thread-safe.
 *
 * @since 0.1
 */
public final class InMemorySubscriptions implements Subscriptions {
  // Both guarded by this. An endpoint is known by its text: URIs of different text may be equal.
  private final Map<String, TreeMap<String, URI>> endpointsOf = new HashMap<>();
  private final Map<String, Set<String>> topicsOf = new HashMap<>();

  /** Makes subscriptions without any topic. */
  public InMemorySubscriptions() {}

  @Override
  public synchronized boolean add(String topic, URI endpoint) {
    Topics.check(topic);
    if (!EndpointText.isStorable(endpoint)) {
      return false;
    }
    String text = endpoint.toString();
    if (endpointsOf.computeIfAbsent(topic, any -> new TreeMap<>()).put(text, endpoint) != null) {
      return false;
    }
    topicsOf.computeIfAbsent(text, any -> new HashSet<>(2)).add(topic);
    return true;
  }

  @Override
  public synchronized boolean replace(String topic, URI replaced, URI endpoint) {
    boolean was = remove(topic, replaced);
    add(topic, endpoint);
    return was;
  }

  @Override
  public synchronized boolean remove(String topic, URI endpoint) {
    Topics.check(topic);
    String text = endpoint.toString();
    Set<String> topics = topicsOf.get(text);
    if (topics == null || !topics.remove(topic)) {
      return false;
    }
    if (topics.isEmpty()) {
      topicsOf.remove(text);
    }
    removeFrom(topic, text);
    return true;
  }

  @Override
  public synchronized int prune(URI endpoint) {
    String text = endpoint.toString();
    Set<String> topics = topicsOf.remove(text);
    if (topics == null) {
      return 0;
    }
    topics.forEach(topic -> removeFrom(topic, text));
    return topics.size();
  }

  private void removeFrom(String topic, String endpoint) {
    endpointsOf.computeIfPresent(
        topic,
        (any, endpoints) -> {
          endpoints.remove(endpoint);
          return endpoints.isEmpty() ? null : endpoints;
        });
  }

  @Override
  public synchronized Page page(String topic, @Nullable String from, int limit) {
    Topics.check(topic);
    Topics.checkLimit(limit);
    SortedMap<String, URI> all = endpointsOf.get(topic);
    if (all == null) {
      all = Collections.emptySortedMap();
    } else if (from != null) {
      all = all.tailMap(from);
    }
    List<URI> page = new ArrayList<>(Math.min(limit, all.size()));
    for (Map.Entry<String, URI> each : all.entrySet()) {
      if (page.size() == limit) {
        return new Page(page, each.getKey());
      }
      page.add(each.getValue());
    }
    return new Page(page, null);
  }

  /** Tells the number of topics and endpoints, but none of them. */
  @Override
  public synchronized String toString() {
    return "InMemorySubscriptions["
        + endpointsOf.size()
        + " topics, "
        + topicsOf.size()
        + " endpoints]";
  }
}
