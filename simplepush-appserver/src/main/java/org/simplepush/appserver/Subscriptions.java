package org.simplepush.appserver;

import java.net.URI;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Which endpoints are to be notified of which topic: of a calendar, those of all devices it is
 * shown on. Implement it for a database of your own; {@link InMemorySubscriptions} and {@link
 * JdbcSubscriptions} are there.
 *
 * <p>Strangers choose endpoints: one over 4,096 characters, or that is not text, which a notifier
 * would refuse, is not added, and nothing an endpoint holds makes these methods throw.
 *
 * <p>Endpoints are secrets: implementations neither log them nor show them in {@code toString}.
 * Every method is one atomic step, may block, and may be called by many threads; {@link
 * StorageException} says that the database failed. A topic is 1 to 255 characters of the user's
 * choice, compared as they are; it exists while it has an endpoint.
 *
 * @since 0.1
 */
public interface Subscriptions {
  /**
   * Adds an endpoint to a topic.
   *
   * @return false if it was there already, or cannot be one
   */
  boolean add(String topic, URI endpoint);

  /**
   * Puts {@code endpoint} in the place of {@code replaced}, which the device had before it
   * registered anew. Adds it as well if {@code replaced} was not there.
   *
   * @return false if {@code replaced} was not there
   */
  boolean replace(String topic, URI replaced, URI endpoint);

  /**
   * Removes an endpoint from a topic.
   *
   * @return false if it was not there
   */
  boolean remove(String topic, URI endpoint);

  /**
   * Removes an endpoint from every topic, because it is {@link Verdict.Gone}.
   *
   * @return from how many it was removed
   */
  int prune(URI endpoint);

  /**
   * Returns some endpoints of a topic. Page by page, every endpoint that is there from the first to
   * the last call is returned once. Endpoints that are added or removed in between may be returned
   * or not.
   *
   * @param from {@link Page#next} of the page before; null for the first page
   * @param limit the most endpoints, 1 or more
   * @throws IllegalArgumentException if {@code limit} is under 1
   */
  Page page(String topic, @Nullable String from, int limit);

  /** Returns the endpoints of a topic, looked up page by page while they are iterated. */
  default Iterable<URI> endpoints(String topic) {
    return () ->
        new Iterator<>() {
          private Page page = page(topic, null, 1000);
          private Iterator<URI> rest = page.endpoints().iterator();

          @Override
          public boolean hasNext() {
            while (!rest.hasNext() && page.next() != null) {
              page = page(topic, page.next(), 1000);
              rest = page.endpoints().iterator();
            }
            return rest.hasNext();
          }

          @Override
          public URI next() {
            if (!hasNext()) {
              throw new NoSuchElementException();
            }
            return rest.next();
          }
        };
  }

  /**
   * Some endpoints of a topic.
   *
   * @param endpoints as they were added
   * @param next where the next page begins, null if this is the last; means something only to the
   *     subscriptions it came from
   */
  record Page(List<URI> endpoints, @Nullable String next) {
    /** Copies the list. */
    public Page {
      endpoints = List.copyOf(endpoints);
    }

    /** Tells the number of endpoints, but none of them. */
    @Override
    public String toString() {
      return "Page[" + endpoints.size() + " endpoints]";
    }
  }
}
