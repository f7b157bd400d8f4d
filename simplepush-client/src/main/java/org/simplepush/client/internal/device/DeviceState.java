package org.simplepush.client.internal.device;

import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.connection.KeepAlive;
import org.simplepush.client.internal.device.Deadlines.Deadline;
import org.simplepush.client.internal.device.Deadlines.Renew;
import org.simplepush.client.internal.device.Deadlines.Retire;
import org.simplepush.client.internal.device.Deadlines.Synchronise;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;

/**
 * What a device must not forget, and how it is written down: a line a fact, closed by a last line
 * with a checksum of all before it, which proves that the text is whole and as it was written.
 * Format 1, which is still read, had no checksum. Confined to the loop.
 */
public final class DeviceState {
  private static final String NAME = "simplepush-device ";
  private static final String FIRST_LINE = NAME + "2";
  private static final String FIRST_LINE_OF_FORMAT_1 = NAME + "1";
  private static final String END = "end";
  private static final String NO_VERSION = "-";
  private static final String NO_CHANNEL = "-";

  /** A channel of an application, and what it has handed over. */
  static final class Registration {
    final String application;
    final ChannelId channelId;
    final URI endpoint;
    private Taken taken;

    /** What the application takes in place of this one, and has confirmed. */
    @Nullable ChannelId successor;

    /** Shared by the two channels of a renewal. */
    private static final class Taken {
      @Nullable Long version;
    }

    Registration(String application, ChannelId channelId, URI endpoint, @Nullable Long version) {
      this.application = application;
      this.channelId = channelId;
      this.endpoint = endpoint;
      this.taken = new Taken();
      this.taken.version = version;
    }

    /** This takes the place of another one and goes on with its versions. */
    Registration succeeding(Registration old) {
      old.taken(taken.version);
      taken = old.taken;
      return this;
    }

    /** What another channel has handed over does not count for this one. */
    void startAfresh() {
      taken = new Taken();
    }

    /** Returns the last version its application has taken, if any. */
    @Nullable Long version() {
      return taken.version;
    }

    /** Whether the application has not taken this version or a higher one yet. */
    boolean isNews(long candidate) {
      Long version = taken.version;
      return version == null || candidate > version;
    }

    /** The application has taken a version. */
    void taken(@Nullable Long newVersion) {
      if (newVersion != null && isNews(newVersion)) {
        taken.version = newVersion;
      }
    }
  }

  /**
   * An endpoint that an application is to get whenever that is possible, in place of a lost one or
   * under a tag; kept until the application has taken it.
   */
  static final class Wish {
    final String application;
    final @Nullable String tag;
    final @Nullable URI lost;

    /** The channel of the endpoint that is replaced, if it is not lost but old. */
    final @Nullable ChannelId renewed;

    /**
     * Whether the endpoint that is replaced is of no use any more: what came for it means nothing
     * for the new one, and it ends when the application has that.
     */
    boolean distrusted;

    /** The channel that fulfils it, of which the application does not know yet. */
    @Nullable ChannelId channelId;

    /** How often it could not be fulfilled since the start; not stored. */
    int failures;

    private Wish(
        String application,
        @Nullable String tag,
        @Nullable URI lost,
        @Nullable ChannelId renewed,
        @Nullable ChannelId channelId) {
      this.application = application;
      this.tag = tag;
      this.lost = lost;
      this.renewed = renewed;
      this.channelId = channelId;
    }

    static Wish tagged(String application, String tag) {
      return new Wish(application, tag, null, null, null);
    }

    static Wish replacing(String application, URI lost) {
      return new Wish(application, null, lost, null, null);
    }

    static Wish renewing(Registration old) {
      return new Wish(old.application, null, old.endpoint, old.channelId, null);
    }

    /** Whether an endpoint is gone, and the application is yet to learn what to use instead. */
    boolean isLoss() {
      return lost != null && renewed == null;
    }

    private String kind() {
      if (renewed != null) {
        return distrusted ? "replaced" : "renewed";
      }
      return tag != null ? "wanted" : "lost";
    }

    private String what() {
      return tag != null ? encode(tag) : String.valueOf(renewed != null ? renewed : lost);
    }
  }

  private @Nullable Uaid uaid;
  private final Map<ChannelId, Registration> registrations = new LinkedHashMap<>();

  /** Applications that have lost endpoints, and it is not known which. */
  private final Set<String> toRegisterAnew = new LinkedHashSet<>();

  /** In the order in which they came up. */
  private final Set<Wish> wishes = new LinkedHashSet<>();

  /** How long a connection may be silent in a network. */
  private final Map<String, KeepAlive.Learned> networks = new LinkedHashMap<>();

  /** What is installed. */
  private final Map<String, Manifest> manifests = new LinkedHashMap<>();

  /** Waits of days: when they are over by the wall clock, in milliseconds since 1970. */
  private final Map<Deadline, Long> deadlines = new LinkedHashMap<>();

  @Nullable Uaid uaid() {
    return uaid;
  }

  void uaid(Uaid newUaid) {
    uaid = newUaid;
  }

  Collection<Registration> registrations() {
    return registrations.values();
  }

  public List<ChannelId> channelIds() {
    return List.copyOf(registrations.keySet());
  }

  @Nullable Registration registration(ChannelId channelId) {
    return registrations.get(channelId);
  }

  void add(Registration registration) {
    registrations.put(registration.channelId, registration);
  }

  void remove(ChannelId channelId) {
    registrations.remove(channelId);
  }

  Set<String> toRegisterAnew() {
    return toRegisterAnew;
  }

  /** Returns the applications that have lost endpoints for which there is nothing else yet. */
  Set<String> applicationsWithLosses() {
    Set<String> applications = new LinkedHashSet<>(toRegisterAnew);
    for (Wish wish : wishes) {
      if (wish.isLoss() && wish.channelId == null) {
        applications.add(wish.application);
      }
    }
    return applications;
  }

  /** The application knows that endpoints are lost, and sees to it by itself. */
  void recovered(String application) {
    toRegisterAnew.remove(application);
    wishes.removeIf(
        wish -> wish.isLoss() && wish.channelId == null && wish.application.equals(application));
  }

  Set<Wish> wishes() {
    return wishes;
  }

  /** Returns the wish that this channel fulfils, if any. */
  @Nullable Wish wishFulfilledBy(ChannelId channelId) {
    for (Wish wish : wishes) {
      if (channelId.equals(wish.channelId)) {
        return wish;
      }
    }
    return null;
  }

  /** Returns the wish that is to renew this channel, if any. */
  @Nullable Wish renewalOf(ChannelId channelId) {
    for (Wish wish : wishes) {
      if (channelId.equals(wish.renewed)) {
        return wish;
      }
    }
    return null;
  }

  /** Returns the registration under which the application knows this one: mostly itself. */
  Registration knownAs(Registration registration) {
    Registration known = null;
    if (registration.successor != null) {
      known = registrations.get(registration.successor);
    } else {
      Wish wish = wishFulfilledBy(registration.channelId);
      if (wish != null && wish.renewed != null && !wish.distrusted) {
        known = registrations.get(wish.renewed);
      }
    }
    return known == null ? registration : known;
  }

  /** Whether this is what the application uses, and not what it took the place of or will. */
  boolean isKnown(Registration registration) {
    Wish wish = wishFulfilledBy(registration.channelId);
    return registration.successor == null && (wish == null || wish.renewed == null);
  }

  /** Whether this endpoint of the application is lost, and has no successor that it confirmed. */
  boolean isLost(String application, URI endpoint) {
    return wishes.stream()
        .anyMatch(
            wish ->
                wish.isLoss()
                    && wish.application.equals(application)
                    && endpoint.equals(wish.lost));
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

  Map<String, KeepAlive.Learned> networks() {
    return networks;
  }

  Map<String, Manifest> manifests() {
    return manifests;
  }

  Map<Deadline, Long> deadlines() {
    return deadlines;
  }

  /** Whether the application has an endpoint, or is to get one. */
  boolean isUsing(String application) {
    return registrations.values().stream().anyMatch(known -> known.application.equals(application))
        || wishes.stream().anyMatch(wish -> wish.application.equals(application));
  }

  /** Returns the state as one text. */
  String toText() {
    StringBuilder text = new StringBuilder(100 + 300 * registrations.size());
    line(text, FIRST_LINE);
    if (uaid != null) {
      line(text, "uaid", uaid.text());
    }
    manifests.forEach(
        (application, manifest) ->
            line(
                text,
                "application",
                encode(application),
                encode(manifest.name()),
                encode(manifest.handler()),
                encode(permissions(manifest))));
    for (Registration registration : registrations.values()) {
      Long version = registration.version();
      line(
          text,
          "channel",
          registration.channelId.text(),
          version == null ? NO_VERSION : version.toString(),
          registration.endpoint.toString(),
          encode(registration.application));
    }
    for (Registration registration : registrations.values()) {
      if (registration.successor != null) {
        line(text, "retired", registration.channelId.text(), registration.successor.text());
      }
    }
    networks.forEach(
        (network, learned) ->
            line(
                text,
                "network",
                encode(network),
                String.valueOf(learned.holds().toMillis()),
                String.valueOf(learned.breaks().toMillis())));
    for (Wish wish : wishes) {
      line(
          text,
          wish.kind(),
          wish.channelId == null ? NO_CHANNEL : wish.channelId.text(),
          wish.what(),
          encode(wish.application));
    }
    for (String application : toRegisterAnew) {
      line(text, "push-register", encode(application));
    }
    deadlines.forEach(
        (deadline, end) -> {
          if (deadline instanceof Synchronise synchronise) {
            line(text, "synchronise", end.toString(), encode(synchronise.application()));
          } else if (deadline instanceof Renew renew) {
            line(text, "renew", end.toString(), renew.channelId().text());
          } else if (deadline instanceof Retire retire) {
            line(text, "retire", end.toString(), retire.channelId().text());
          }
        });
    return sealed(text.toString());
  }

  /** Closes a text with its checksum. */
  static String sealed(String text) {
    return text + END + " " + checksum(text) + "\n";
  }

  /** Eight digits that any change of a bit changes. */
  private static String checksum(String text) {
    CRC32C checksum = new CRC32C();
    checksum.update(text.getBytes(StandardCharsets.UTF_8));
    return String.format(Locale.ROOT, "%08x", checksum.getValue());
  }

  private static void line(StringBuilder text, String... words) {
    text.append(String.join(" ", words)).append('\n');
  }

  /**
   * Reads what {@link #toText()} wrote.
   *
   * @throws IOException if it did not; the message quotes nothing, because the text holds secrets
   */
  public static DeviceState parse(String text) throws IOException {
    List<String> lines = new ArrayList<>(text.lines().toList());
    if (lines.isEmpty()) {
      throw new IOException("The stored state is empty: it is damaged, or no device's state");
    }
    String first = lines.get(0);
    boolean isOfFormat1 = first.equals(FIRST_LINE_OF_FORMAT_1);
    if (!isOfFormat1 && !first.equals(FIRST_LINE)) {
      boolean named = first.matches(NAME + "\\d+");
      throw new IOException(
          "The stored state does not start with \""
              + FIRST_LINE
              + "\": it is "
              + (named ? "of another version of SimplePush" : "damaged, or no device's state"));
    }
    String last = lines.get(lines.size() - 1);
    if (!last.matches(isOfFormat1 ? END : END + " [0-9a-f]{8}")) {
      throw new IOException("The stored state is cut off: its last line is missing");
    }
    if (!isOfFormat1 && !text.equals(sealed(text.substring(0, text.lastIndexOf(last))))) {
      throw new IOException(
          "The stored state is damaged: its checksum is wrong. Without it, this is a new device:"
              + " its applications have no endpoints and register again");
    }
    DeviceState state = new DeviceState();
    for (int i = 1; i < lines.size() - 1; i++) {
      try {
        state.read(lines.get(i).split(" ", -1));
      } catch (IllegalArgumentException e) {
        throw new IOException("Line " + (i + 1) + " of the stored state cannot be read");
      }
    }
    return state;
  }

  private void read(String[] words) {
    if (words[0].equals("uaid") && words.length == 2) {
      uaid = Uaid.parse(words[1]);
    } else if (words[0].equals("channel") && words.length == 5) {
      Long version = words[2].equals(NO_VERSION) ? null : Long.valueOf(words[2]);
      ChannelId channelId = ChannelId.parse(words[1]);
      add(new Registration(decode(words[4]), channelId, URI.create(words[3]), version));
    } else if (words[0].equals("application") && words.length == 5) {
      manifests.put(
          decode(words[1]),
          new Manifest(decode(words[2]), permissions(decode(words[4])), decode(words[3])));
    } else if (words[0].equals("network") && words.length == 4) {
      networks.put(decode(words[1]), new KeepAlive.Learned(millis(words[2]), millis(words[3])));
    } else if (words[0].equals("wanted") && words.length == 4) {
      wishes.add(new Wish(decode(words[3]), decode(words[2]), null, null, channelOrNull(words[1])));
    } else if (words[0].equals("lost") && words.length == 4) {
      wishes.add(
          new Wish(decode(words[3]), null, URI.create(words[2]), null, channelOrNull(words[1])));
    } else if (words[0].equals("renewed") && words.length == 4) {
      readRenewed(known(words[2]), channelOrNull(words[1]));
    } else if (words[0].equals("replaced") && words.length == 4) {
      Wish wish = Wish.renewing(known(words[2]));
      wish.distrusted = true;
      wish.channelId = channelOrNull(words[1]);
      wishes.add(wish);
    } else if (words[0].equals("retired") && words.length == 3) {
      Registration old = known(words[1]);
      old.successor = known(words[2]).succeeding(old).channelId;
    } else if (words[0].equals("renew") && words.length == 3) {
      deadlines.put(new Renew(ChannelId.parse(words[2])), Long.valueOf(words[1]));
    } else if (words[0].equals("retire") && words.length == 3) {
      deadlines.put(new Retire(ChannelId.parse(words[2])), Long.valueOf(words[1]));
    } else if (words[0].equals("push-register") && words.length == 2) {
      toRegisterAnew.add(decode(words[1]));
    } else if (words[0].equals("synchronise") && words.length == 3) {
      deadlines.put(new Synchronise(decode(words[2])), Long.valueOf(words[1]));
    } else {
      throw new IllegalArgumentException("an unknown line");
    }
  }

  private void readRenewed(Registration old, @Nullable ChannelId successor) {
    Wish wish = Wish.renewing(old);
    if (successor != null) {
      wish.channelId = known(successor.text()).succeeding(old).channelId;
    }
    wishes.add(wish);
  }

  private Registration known(String channelId) {
    Registration known = registrations.get(ChannelId.parse(channelId));
    if (known == null) {
      throw new IllegalArgumentException("a channel that is not registered");
    }
    return known;
  }

  private static Duration millis(String word) {
    return Duration.ofMillis(Long.parseLong(word));
  }

  private static @Nullable ChannelId channelOrNull(String word) {
    return word.equals(NO_CHANNEL) ? null : ChannelId.parse(word);
  }

  private static String permissions(Manifest manifest) {
    return manifest.permissions().stream().sorted().collect(Collectors.joining(","));
  }

  private static Set<String> permissions(String names) {
    return Arrays.stream(names.split(","))
        .filter(name -> !name.isEmpty())
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Makes one word of any text, an empty one too. */
  private static String encode(String text) {
    return "=" + URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private static String decode(String word) {
    if (!word.startsWith("=")) {
      throw new IllegalArgumentException("a text starts with =");
    }
    return URLDecoder.decode(word.substring(1), StandardCharsets.UTF_8);
  }
}
