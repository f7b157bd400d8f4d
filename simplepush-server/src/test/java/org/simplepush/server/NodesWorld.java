package org.simplepush.server;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.simplepush.core.ChannelId;
import org.simplepush.core.CloseCode;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Advance;

/**
 * Two nodes on one store, one device and one publisher, of which the real sessions, registries and
 * endpoint handlers decide what happens: everything between them waits until it is let happen. A
 * node that is frozen is one to which nothing happens for a while, and a stalled connection one
 * that is not read, so an order of events is all there is to say about them.
 *
 * <p>The device reads at once what a node sends: what it reads later it could have missed as well,
 * had it left. It leaves a connection only for another.
 */
final class NodesWorld implements Interleavings.World<NodesWorld.Event> {
  /** What is bounded. */
  enum Bound {
    /** How often the device leaves its connection for another, or comes back when it has none. */
    MOVES,
    /** How many of these moves lose what the node has not read yet. */
    RESETS,
    REGISTERS,
    UNREGISTERS,
    PUBLISHES,
    /** How often a session compares with the store. */
    COMPARES,
    /** How many words are lost. */
    LOST,
    /** How many words come twice. */
    DOUBLED,
    /** How many steps a node gives up, though they may take effect later. */
    LATE,
    /** How often a device is given up that has not shown itself in time. */
    TIMEOUTS,
    /** How many of its last steps the store may lose, once. */
    ROLLED_BACK,
    /** How often the nodes apply again what the store has lost: never, once, or twice. */
    APPLIED_AGAIN
  }

  /**
   * How much may happen.
   *
   * @param lists whether the device lists its channels in its hello
   * @param most how often; what is not named does not happen
   */
  record Bounds(boolean lists, Map<Bound, Integer> most) {
    Bounds and(Bound bound, int atMost) {
      Map<Bound, Integer> all = new EnumMap<>(Bound.class);
      all.putAll(most);
      all.put(bound, atMost);
      return new Bounds(lists, all);
    }

    @Override
    public String toString() {
      return (lists ? "a device that lists its channels" : "Firefox") + " " + most;
    }
  }

  enum Kind {
    /** The device leaves for a node, and says hello there. */
    MOVES,
    /** The same, and what it said last on the connection it leaves is lost. */
    BREAKS_OFF,
    REGISTERS,
    UNREGISTERS,
    /** A node reads what comes next on a connection, perhaps the end. */
    READS,
    /** A node learns that a connection has ended while it is busy with what came before. */
    ENDS,
    /** An application server publishes at a node. */
    PUBLISHES,
    /** The store does the next step of a node. */
    STEPS,
    /** The next answer of the store reaches a node. */
    ANSWERS,
    /** A word reaches a node. */
    WORD,
    WORD_LOST,
    WORD_TWICE,
    /** A timer of a connection runs out. */
    TIMER,
    /** A node gives up its next step. */
    GIVES_UP,
    /** A step that was given up takes effect. */
    DRIFTS_IN,
    /** The store loses its last steps. */
    ROLLS_BACK,
    /** A node applies again the next of its steps that the store has lost. */
    APPLIES_AGAIN
  }

  /**
   * Something that can happen.
   *
   * @param index of a node, a connection or a number of steps
   * @param what a word, a channel or a timer; empty if there is nothing more to say
   */
  record Event(Kind kind, int index, String what) {
    Event(Kind kind, int index) {
      this(kind, index, "");
    }
  }

  /** What is applied again. */
  private static final Set<String> APPLIED_AGAIN =
      Set.of("advance", "register", "unregister", "settle");

  private static final int STORE = 4;
  private static final int DEVICE = 8;
  private static final int PUBLISHER = 16;
  private static final int FAULTS = 32;

  private static final URI BASE = URI.create("https://push.example.org");
  private static final EndpointTokens TOKENS = new EndpointTokens(EndpointKeys.ephemeral());
  private static final URI ENDPOINT =
      URI.create(
          BASE
              + EndpointHandler.PATH
              + TOKENS.seal(
                  Uaid.parse(SessionFixture.UAID), ChannelId.parse(SessionFixture.channel(0))));
  private static final MessageCodec CODEC = new MessageCodec();
  private static final ServerSettings SETTINGS =
      new ServerSettings(
          Duration.ofSeconds(30),
          Duration.ZERO,
          Duration.ofSeconds(60),
          Duration.ofMinutes(35),
          Duration.ofDays(7),
          9,
          MessageCodec.DEFAULT_MAX_MESSAGE_LENGTH);

  // Large, and without an influence on what happens here: the same for all worlds.
  private static final Counters COUNTERS =
      new Counters(new MemoryAccount(1 << 20), new FailureLog(null, System::nanoTime));
  private static final RateLimit RATE_LIMIT =
      new RateLimit(RateLimit.UNLIMITED, Duration.ofSeconds(1), () -> 0);
  private static final CreationLimits LIMITS =
      new CreationLimits(
          new InMemoryVersionStore(),
          CreationLimits.UNLIMITED,
          Integer.MAX_VALUE,
          Integer.MAX_VALUE,
          () -> 0);

  private final Bounds bounds;
  private final int[] left = new int[Bound.values().length];
  private SharedMemoryStore store;
  private final Device device = new Device();
  private final List<Node> nodes = List.of(new Node(0), new Node(1));
  private final List<Connection> connections = new ArrayList<>();

  /** What the store did, in order, and who asked for it. */
  private final List<Effect> effects = new ArrayList<>();

  private int beforehand;

  /** What happens just now. */
  private String happening = "";

  private record Effect(Node node, SteppedStore.Step step) {}

  /** The version each channel has reached in the store. */
  private final Map<ChannelId, Long> raised = new TreeMap<>();

  private boolean replaying;
  private boolean ending;
  private boolean rolledBack;
  private long published;

  /** The device has a channel, and a connection to A. */
  NodesWorld(Bounds bounds) {
    this.bounds = bounds;
    bounds.most().forEach((bound, most) -> left[bound.ordinal()] = most);
    store = newStore();
    device.channels.put(channel(0), -1L);
    device.endpoints.put(channel(0), ENDPOINT);
    device.nextChannel = 1;
    move(0);
    runs();
    beforehand = effects.size();
  }

  private SharedMemoryStore newStore() {
    // A word is told where it arises, and waits with the node it is for.
    SharedMemoryStore store = new SharedMemoryStore(new InMemoryVersionStore(), Runnable::run);
    store.hello(device.uaid, List.of());
    store.register(device.uaid, channel(0), 9);
    for (Node node : nodes) {
      node.membership = store.join(Duration.ofDays(7), node.new Ear());
    }
    return store;
  }

  private static String name(int node) {
    return node == 0 ? "A" : "B";
  }

  private static final List<ChannelId> CHANNELS =
      IntStream.range(0, 8).mapToObj(SessionFixture::channel).map(ChannelId::parse).toList();

  private static ChannelId channel(int number) {
    return CHANNELS.get(number);
  }

  private static int number(ChannelId channel) {
    return (int) channel.value().getLeastSignificantBits() & 0xff;
  }

  /** A push server. */
  private final class Node {
    final int index;
    SharedVersionStore.Node membership;
    final SteppedStore steps =
        new SteppedStore(() -> store, () -> membership, uaid -> device.name(uaid));
    final List<Word> words = new ArrayList<>();
    final SharedVersionStore seen = steps.asSeen();
    final Sleepers sleepers = new Sleepers(null, null, () -> 0, COUNTERS);
    final SessionRegistry registry = new SessionRegistry(seen, sleepers, () -> 0, COUNTERS);
    final EndpointHandler endpoints =
        new EndpointHandler(
            seen, TOKENS, registry, RATE_LIMIT, Set.of(), () -> Instant.EPOCH, COUNTERS);
    final Session.Context context =
        new Session.Context(
            SETTINGS, seen, registry, sleepers, TOKENS, BASE, CODEC, LIMITS, COUNTERS);

    Node(int index) {
      this.index = index;
      registry.join(Duration.ofDays(7));
      endpoints.open();
    }

    /** Which the registry remembers. */
    int goneHeard;

    /** The steps that the store has lost, in order, perhaps several times. */
    final Deque<SteppedStore.Step> toApplyAgain = new ArrayDeque<>();

    private record Word(String text, Runnable arrival) {}

    /** What the store tells it. */
    final class Ear implements SharedVersionStore.Listener {
      private void told(String text, Runnable arrival) {
        if (!replaying) {
          words.add(new Word(text, arrival));
        }
      }

      @Override
      public void published(Uaid uaid, Update update) {
        String text = "c" + number(update.channelId()) + "=" + update.version();
        told(device.name(uaid) + " " + text, () -> registry.published(uaid, update));
      }

      @Override
      public void displaced(Uaid uaid, long connection) {
        told(
            device.name(uaid) + " has left connection " + connection,
            () -> registry.displaced(uaid, connection));
      }

      @Override
      public void gone(Uaid uaid) {
        told(
            device.name(uaid) + " may lack channels",
            () -> {
              goneHeard++;
              registry.gone(uaid);
            });
      }

      @Override
      public void wordsLost() {
        told("words were lost", registry::wordsLost);
      }
    }
  }

  /** What the device has said on a connection: a message, or that it is gone. */
  private record Said(String name, String json) {
    static final Said GONE = new Said("the end", null);

    static Said pong(long payload) {
      return new Said("a pong", String.valueOf(payload));
    }

    boolean isPong() {
      return name.equals("a pong");
    }
  }

  private final class Connection implements Session.Wire {
    final int index = connections.size();
    final Node node;
    final Session session;
    final Deque<Said> unread = new ArrayDeque<>();
    final Deque<Runnable> tasks = new ArrayDeque<>();
    final Set<Session.Timer> timers = EnumSet.noneOf(Session.Timer.class);
    boolean flushRequested;
    boolean open = true;

    /** Whether the store has given it the claim. */
    boolean settled;

    /** All that has reached the session, and what it did then: what it knows follows from that. */
    Interleavings.Digest history = Interleavings.Digest.EMPTY;

    /** Whether the loop runs a task of it. */
    private boolean running = true;

    Connection(Node node) {
      this.node = node;
      this.session = new Session(node.context, this);
      running = false;
    }

    void inTurn(Runnable task) {
      if (running) {
        task.run();
        return;
      }
      int asked = node.steps.askedSoFar();
      running = true;
      try {
        task.run();
      } finally {
        running = false;
        history = history.and(happening).and(node.steps.asked(asked));
      }
    }

    boolean isReadable() {
      if (!open || unread.isEmpty()) {
        return false;
      }
      running = true;
      boolean busy = session.isBusy();
      running = false;
      return !busy || unread.element() == Said.GONE;
    }

    void reads() {
      Said said = unread.remove();
      if (said == Said.GONE) {
        ends();
      } else if (said.isPong()) {
        inTurn(() -> session.onPong(Long.parseLong(said.json())));
      } else {
        inTurn(() -> session.onMessage(said.json(), 0));
      }
    }

    /** What was not read is left over. */
    void ends() {
      open = false;
      inTurn(
          () -> {
            session.onClosed();
            for (Said said : unread) {
              if (said != Said.GONE && !said.isPong()) {
                session.onLeftOver(said.json());
              }
            }
          });
      unread.clear();
    }

    @Override
    public void execute(Runnable task) {
      tasks.add(task);
    }

    @Override
    public void executeHere(Runnable task) {
      tasks.add(task);
    }

    @Override
    public void send(ServerMessage message) {
      if (device.on == this) {
        device.hears(message);
      }
    }

    @Override
    public void ping(long payload, ServerMessage behind) {
      if (device.on == this) {
        unread.add(Said.pong(payload));
        if (behind != null) {
          device.hears(behind);
        }
      }
    }

    @Override
    public boolean isWritable() {
      return open;
    }

    @Override
    public boolean isAsked() {
      return !unread.isEmpty();
    }

    @Override
    public void close(CloseCode code, String reason) {
      ends();
      if (device.on == this) {
        device.isClosed(code, reason);
      }
    }

    @Override
    public void startTimer(Session.Timer timer, long delayNanos) {
      timers.add(timer);
    }

    @Override
    public void flushSoon() {
      flushRequested = true;
    }

    @Override
    public long now() {
      return 0;
    }

    @Override
    public boolean isCurrent() {
      return running;
    }

    @Override
    public long address() {
      return org.simplepush.server.internal.ClientAddresses.EXEMPT;
    }
  }

  /** The device, its applications, and who publishes to them. */
  private final class Device {
    Uaid uaid = Uaid.parse(SessionFixture.UAID);
    final List<Uaid> met = new ArrayList<>(List.of(uaid));

    /** Where it is; null while it is nowhere. */
    Connection on;

    boolean greeted;
    int takenOver;
    int closed;

    /** The version it knows of each of its channels, of which it was told 200; -1 if none. */
    final Map<ChannelId, Long> channels = new TreeMap<>();

    /** What it waits for an answer to; null if nothing. */
    ChannelId registering;

    int nextChannel;

    /** Of all channels it was ever told. */
    final Map<ChannelId, URI> endpoints = new TreeMap<>();

    final Map<ChannelId, Long> confirmed = new TreeMap<>();

    String name(Uaid uaid) {
      if (!met.contains(uaid)) {
        met.add(uaid);
      }
      return "U" + met.indexOf(uaid);
    }

    void says(String name, String json) {
      on.unread.add(new Said(name, json.replace('\'', '"')));
    }

    void saysHello() {
      String[] list = channels.keySet().stream().map(ChannelId::text).toArray(String[]::new);
      String hello =
          bounds.lists()
              ? SessionFixture.hello(uaid.text(), list)
              : "{'messageType':'hello','uaid':'" + uaid.text() + "'}";
      says("hello " + channelNames(), hello);
    }

    String channelNames() {
      StringBuilder names = new StringBuilder();
      for (ChannelId channel : channels.keySet()) {
        names.append(names.isEmpty() ? "" : ",").append('c').append(number(channel));
      }
      return "[" + names + "]";
    }

    void hears(ServerMessage message) {
      if (message instanceof ServerMessage.Hello hello) {
        greeted = true;
        if (!hello.uaid().equals(uaid)) {
          if (!rolledBack || isMended()) {
            throw new AssertionError("The device is given a fresh UAID, though nothing was lost");
          }
          channels.clear();
          confirmed.clear();
          registering = null;
          uaid = hello.uaid();
          name(uaid);
        }
      } else if (message instanceof ServerMessage.Register register) {
        channels.putIfAbsent(register.channelId(), -1L);
        endpoints.put(register.channelId(), register.endpoint());
        registering = null;
      } else if (message instanceof ServerMessage.Notification notification) {
        for (Update update : notification.updates()) {
          channels.computeIfPresent(
              update.channelId(), (id, known) -> Math.max(known, update.version()));
          says(
              "ack c" + number(update.channelId()) + "=" + update.version(),
              SessionFixture.ack(update.channelId().text(), update.version()));
        }
      } else if (message instanceof ServerMessage.Failure) {
        registering = null;
      }
    }

    void isClosed(CloseCode code, String reason) {
      Connection was = on;
      on = null;
      greeted = false;
      registering = null;
      closed++;
      if (reason.contains("connected anew")) {
        takenOver++;
        if (!rolledBack && (was.settled || !didHappen(Bound.UNREGISTERS))) {
          throw new AssertionError("The device's connection is taken over by one it has left");
        }
      }
    }
  }

  // What can happen

  @Override
  public List<Event> possible() {
    List<Event> events = new ArrayList<>();
    for (Node node : nodes) {
      if (!node.steps.asked().isEmpty()) {
        events.add(new Event(Kind.STEPS, node.index));
      }
      if (!node.steps.done().isEmpty()) {
        events.add(new Event(Kind.ANSWERS, node.index));
      }
      if (!node.toApplyAgain.isEmpty()) {
        events.add(new Event(Kind.APPLIES_AGAIN, node.index));
      }
      Set<String> texts = new TreeSet<>();
      for (Node.Word word : node.words) {
        if (!texts.add(word.text)) {
          continue;
        }
        events.add(new Event(Kind.WORD, node.index, word.text));
        if (!ending && may(Bound.LOST)) {
          events.add(new Event(Kind.WORD_LOST, node.index, word.text));
        }
        if (!ending && may(Bound.DOUBLED)) {
          events.add(new Event(Kind.WORD_TWICE, node.index, word.text));
        }
      }
    }
    for (Connection connection : connections) {
      if (connection.isReadable()) {
        events.add(new Event(Kind.READS, connection.index));
      } else if (!ending && connection.open && connection.unread.contains(Said.GONE)) {
        events.add(new Event(Kind.ENDS, connection.index));
      }
    }
    if (!ending) {
      addChoices(events);
    }
    return events;
  }

  private boolean may(Bound bound) {
    return left[bound.ordinal()] > 0;
  }

  private void happened(Bound bound) {
    left[bound.ordinal()]--;
  }

  private boolean didHappen(Bound bound) {
    return left[bound.ordinal()] < bounds.most().getOrDefault(bound, 0);
  }

  private void addChoices(List<Event> events) {
    if (may(Bound.MOVES)) {
      for (Node node : nodes) {
        events.add(new Event(Kind.MOVES, node.index));
        if (may(Bound.RESETS) && device.on != null && !device.on.unread.isEmpty()) {
          events.add(new Event(Kind.BREAKS_OFF, node.index));
        }
      }
    }
    if (device.greeted && device.registering == null) {
      if (may(Bound.REGISTERS)) {
        events.add(new Event(Kind.REGISTERS, 0));
      }
      if (may(Bound.UNREGISTERS)) {
        for (ChannelId channel : device.channels.keySet()) {
          events.add(new Event(Kind.UNREGISTERS, number(channel)));
        }
      }
    }
    if (may(Bound.PUBLISHES)) {
      for (Node node : nodes) {
        for (ChannelId channel : device.endpoints.keySet()) {
          events.add(new Event(Kind.PUBLISHES, node.index, channel.text()));
        }
      }
    }
    for (Connection connection : connections) {
      if (!connection.open) {
        continue;
      }
      if (may(Bound.TIMEOUTS) && connection.timers.contains(Session.Timer.HELLO)) {
        events.add(new Event(Kind.TIMER, connection.index, Session.Timer.HELLO.name()));
      }
      // What is mended is mended before a session compares a second time.
      if (may(Bound.COMPARES)
          && !(isMending() && didHappen(Bound.COMPARES))
          && connection.timers.contains(Session.Timer.RECONCILE)) {
        events.add(new Event(Kind.TIMER, connection.index, Session.Timer.RECONCILE.name()));
      }
    }
    for (Node node : nodes) {
      if (may(Bound.LATE) && !node.steps.asked().isEmpty()) {
        events.add(new Event(Kind.GIVES_UP, node.index));
      }
      for (int i = 0; i < node.steps.adrift().size(); i++) {
        events.add(new Event(Kind.DRIFTS_IN, node.index, String.valueOf(i)));
      }
    }
    if (!rolledBack) {
      for (int i = 1;
          i <= Math.min(left[Bound.ROLLED_BACK.ordinal()], effects.size() - beforehand);
          i++) {
        events.add(new Event(Kind.ROLLS_BACK, i));
      }
    }
  }

  @Override
  public boolean isQuiet() {
    for (Node node : nodes) {
      if (!node.steps.asked().isEmpty() || !node.steps.done().isEmpty() || !node.words.isEmpty()) {
        return false;
      }
    }
    return connections.stream().noneMatch(Connection::isReadable);
  }

  @Override
  public int touches(Event event) {
    int index = event.index();
    return switch (event.kind()) {
      case MOVES, BREAKS_OFF, REGISTERS, UNREGISTERS -> DEVICE;
      case READS, ENDS -> node(connections.get(index).node) | deviceIf(connections.get(index));
      case TIMER -> FAULTS | node(connections.get(index).node) | deviceIf(connections.get(index));
      case PUBLISHES -> 1 << index | PUBLISHER;
      case STEPS -> STORE;
      case ANSWERS, WORD -> 1 << index | deviceIfAt(index);
      case WORD_LOST -> FAULTS | 1 << index;
      case WORD_TWICE -> FAULTS | 1 << index | deviceIfAt(index);
      case GIVES_UP -> FAULTS | STORE | 1 << index | deviceIfAt(index);
      case DRIFTS_IN -> STORE | FAULTS;
      case ROLLS_BACK -> STORE | FAULTS | PUBLISHER;
      case APPLIES_AGAIN -> STORE;
    };
  }

  private static int node(Node node) {
    return 1 << node.index;
  }

  private int deviceIf(Connection connection) {
    return device.on == connection ? DEVICE : 0;
  }

  private int deviceIfAt(int node) {
    return device.on != null && device.on.node.index == node ? DEVICE : 0;
  }

  @Override
  public String describe(Event event) {
    int index = event.index();
    return switch (event.kind()) {
      case MOVES -> "the device leaves for " + name(index) + ": connection " + connections.size();
      case BREAKS_OFF ->
          "the device breaks off for " + name(index) + ": connection " + connections.size();
      case REGISTERS -> "the device says register c" + device.nextChannel;
      case UNREGISTERS -> "the device says unregister c" + index;
      case READS -> {
        Connection connection = connections.get(index);
        String what = connection.unread.element().name();
        yield name(connection.node.index) + " reads " + what + " on connection " + index;
      }
      case ENDS ->
          "%s learns that connection %d has ended"
              .formatted(name(connections.get(index).node.index), index);
      case PUBLISHES ->
          "somebody PUTs %d to c%d at %s"
              .formatted(published + 1, number(ChannelId.parse(event.what())), name(index));
      case STEPS ->
          "the store does for " + name(index) + ": " + nodes.get(index).steps.asked().element();
      case ANSWERS -> {
        SteppedStore.Step step = nodes.get(index).steps.done().element();
        yield name(index) + " hears the answer to " + step.name() + ": " + step.result();
      }
      case WORD -> name(index) + " hears " + event.what();
      case WORD_LOST -> "the word to " + name(index) + " is lost: " + event.what();
      case WORD_TWICE -> name(index) + " hears " + event.what() + ", which will come again";
      case TIMER -> "the timer " + event.what() + " of connection " + index + " runs out";
      case GIVES_UP -> name(index) + " gives up " + nodes.get(index).steps.asked().element();
      case DRIFTS_IN ->
          "what %s gave up takes effect: %s"
              .formatted(
                  name(index), nodes.get(index).steps.adrift().get(Integer.parseInt(event.what())));
      case APPLIES_AGAIN ->
          name(index) + " applies again: " + nodes.get(index).toApplyAgain.element();
      case ROLLS_BACK -> "the store loses its last " + index + " steps";
    };
  }

  // What happens

  @Override
  public void happens(Event event) {
    int index = event.index();
    switch (event.kind()) {
      case MOVES -> {
        happened(Bound.MOVES);
        move(index);
      }
      case BREAKS_OFF -> {
        happened(Bound.MOVES);
        happened(Bound.RESETS);
        device.on.unread.clear();
        move(index);
      }
      case REGISTERS -> {
        happened(Bound.REGISTERS);
        register();
      }
      case UNREGISTERS -> {
        happened(Bound.UNREGISTERS);
        unregister(channel(index));
      }
      case READS -> {
        Connection connection = connections.get(index);
        happening = connection.unread.element().name();
        connection.reads();
      }
      case ENDS -> {
        happening = "ends";
        connections.get(index).ends();
      }
      case PUBLISHES -> {
        happened(Bound.PUBLISHES);
        publish(nodes.get(index), ChannelId.parse(event.what()));
      }
      case STEPS -> step(nodes.get(index));
      case ANSWERS -> {
        Node node = nodes.get(index);
        SteppedStore.Step step = node.steps.done().element();
        happening = step.name() + step.resultText();
        node.steps.answers();
      }
      case WORD, WORD_TWICE -> {
        Node node = nodes.get(index);
        Node.Word word = word(node, event.what());
        if (event.kind() == Kind.WORD) {
          node.words.remove(word);
        } else {
          happened(Bound.DOUBLED);
        }
        happening = word.text;
        word.arrival.run();
      }
      case WORD_LOST -> {
        happened(Bound.LOST);
        nodes.get(index).words.remove(word(nodes.get(index), event.what()));
      }
      case TIMER -> {
        Session.Timer timer = Session.Timer.valueOf(event.what());
        happened(timer == Session.Timer.HELLO ? Bound.TIMEOUTS : Bound.COMPARES);
        runsOut(connections.get(index), timer);
      }
      case GIVES_UP -> {
        happened(Bound.LATE);
        happening = "gives up";
        nodes.get(index).steps.isGivenUp();
      }
      case DRIFTS_IN ->
          done(nodes.get(index), nodes.get(index).steps.driftsIn(Integer.parseInt(event.what())));
      case ROLLS_BACK -> rollBack(index);
      case APPLIES_AGAIN -> {
        Node node = nodes.get(index);
        SteppedStore.Step step = node.toApplyAgain.remove();
        noteRaised(node.steps.again(step));
      }
    }
    turn();
    if (event.kind() == Kind.STEPS || event.kind() == Kind.DRIFTS_IN) {
      storeHasWhatWasConfirmed();
    }
  }

  private static Node.Word word(Node node, String text) {
    return node.words.stream().filter(word -> word.text.equals(text)).findFirst().orElseThrow();
  }

  private void move(int node) {
    if (device.on != null) {
      device.on.unread.add(Said.GONE);
    }
    Connection connection = new Connection(nodes.get(node));
    connections.add(connection);
    device.on = connection;
    device.greeted = false;
    device.registering = null;
    device.saysHello();
  }

  private void register() {
    ChannelId channel = channel(device.nextChannel++);
    device.registering = channel;
    device.says("register c" + number(channel), SessionFixture.register(channel.text()));
  }

  private void unregister(ChannelId channel) {
    device.channels.remove(channel);
    device.confirmed.remove(channel);
    device.says("unregister c" + number(channel), SessionFixture.unregister(channel.text()));
  }

  private void publish(Node node, ChannelId channel) {
    long version = ++published;
    Uaid owner = device.uaid;
    happening = "PUT";
    node.endpoints
        .handle(SessionFixture.putRequest(device.endpoints.get(channel).toString(), version))
        .thenAccept(
            response -> {
              boolean has = owner.equals(device.uaid) && device.channels.containsKey(channel);
              boolean survived =
                  !rolledBack || isMended() || raised.getOrDefault(channel, -1L) >= version;
              if (has && survived && response.status() == 200) {
                device.confirmed.merge(channel, version, Math::max);
              }
            });
  }

  private void step(Node node) {
    SteppedStore.Step step = node.steps.takesEffect(isMending());
    done(node, step);
    if (step.result() == null) {
      happening = step.name();
      node.steps.answersLast(); // an answer that says nothing may as well come now
    }
  }

  private void done(Node node, SteppedStore.Step step) {
    effects.add(new Effect(node, step));
    noteRaised(step.result());
    if (device.on != null
        && device.on.node == node
        && step.name().equals("settle")
        && step.argument(1).equals(device.on.session.number())
        && step.result() instanceof SharedVersionStore.Comparison.Claimed) {
      device.on.settled = true;
    }
  }

  private void noteRaised(Object result) {
    if (result instanceof Advance.Advanced advanced) {
      raised.put(advanced.update().channelId(), advanced.update().version());
    }
  }

  private void runsOut(Connection connection, Session.Timer timer) {
    happening = timer.name();
    connection.timers.remove(timer);
    connection.inTurn(() -> connection.session.onTimer(timer));
  }

  private void rollBack(int steps) {
    rolledBack = true;
    List<Effect> kept = List.copyOf(effects.subList(0, effects.size() - steps));
    for (int i = 0; i < left[Bound.APPLIED_AGAIN.ordinal()]; i++) {
      for (Effect effect : effects.subList(effects.size() - steps, effects.size())) {
        if (APPLIED_AGAIN.contains(effect.step.name())) {
          effect.node.toApplyAgain.add(effect.step);
        }
      }
    }
    effects.clear();
    SharedMemoryStore before = store;
    store = newStore();
    raised.clear();
    replaying = true;
    for (Effect effect : kept) {
      effect.node.steps.apply(effect.step);
      done(effect.node, effect.step);
    }
    replaying = false;
    store.continueClockOf(before);
    if (!isMended()) {
      device.confirmed.replaceAll(
          (channel, version) -> Math.min(version, raised.getOrDefault(channel, -1L)));
    }
  }

  /** Whether what the store has lost is being applied again. */
  private boolean isMending() {
    return nodes.stream().anyMatch(node -> !node.toApplyAgain.isEmpty());
  }

  /** Whether what the store has lost is as if it had not. */
  private boolean isMended() {
    return left[Bound.APPLIED_AGAIN.ordinal()] > 0;
  }

  /** Every loop does what it was left. */
  private void turn() {
    boolean more = true;
    while (more) {
      more = false;
      for (Connection connection : connections) {
        while (!connection.tasks.isEmpty() || connection.flushRequested) {
          more = true;
          connection.inTurn(
              () -> {
                Runnable task = connection.tasks.poll();
                if (task != null) {
                  task.run();
                } else {
                  connection.flushRequested = false;
                  connection.session.flush();
                }
              });
        }
      }
    }
  }

  // What must hold

  private boolean isStored(Uaid uaid, ChannelId channel) {
    return store.register(uaid, channel, 0).toCompletableFuture().join()
        == org.simplepush.core.VersionStore.Registration.REGISTERED;
  }

  private void storeHasWhatWasConfirmed() {
    if (rolledBack) {
      return;
    }
    for (ChannelId channel : device.channels.keySet()) {
      if (!isStored(device.uaid, channel)) {
        throw new AssertionError(
            "The store has lost c%d, of which the device was told 200".formatted(number(channel)));
      }
    }
  }

  /** Everything on its way arrives. */
  private void runs() {
    boolean before = ending;
    ending = true;
    for (List<Event> next = possible(); !next.isEmpty(); next = possible()) {
      happens(next.get(0));
    }
    ending = before;
  }

  @Override
  public void ends() {
    boolean undisturbed =
        !didHappen(Bound.LOST) && !didHappen(Bound.LATE) && !didHappen(Bound.TIMEOUTS);
    if (undisturbed && !rolledBack && device.greeted) {
      knowsWhatWasConfirmed("Without a comparison");
    }
    runs();
    comesBack();
    for (int i = 0; i < 2; i++) { // who is told to start over is compared twice before
      for (Connection connection : connections) {
        if (connection.open && connection.timers.contains(Session.Timer.RECONCILE)) {
          runsOut(connection, Session.Timer.RECONCILE);
        }
      }
      runs();
      comesBack();
    }
    if (device.on == null) {
      throw new AssertionError("The device's connection is closed again and again");
    }
    storeHasWhatTheDeviceHas();
    knowsWhatWasConfirmed("After a comparison");
    for (Node node : nodes) {
      for (ChannelId channel : List.copyOf(device.channels.keySet())) {
        publish(node, channel);
        runs();
        if (!Objects.equals(device.confirmed.get(channel), published)) {
          throw new AssertionError("A PUT to c%d at the end fails".formatted(number(channel)));
        }
      }
      knowsWhatWasConfirmed("By words");
    }
  }

  private void comesBack() {
    for (int i = 0; i < 3 && device.on == null; i++) {
      move(1);
      runs();
    }
  }

  private void storeHasWhatTheDeviceHas() {
    for (ChannelId channel : device.channels.keySet()) {
      if (!isStored(device.uaid, channel)) {
        throw new AssertionError(
            "In the end the store lacks c%d, of which the device was told 200"
                .formatted(number(channel)));
      }
    }
  }

  private void knowsWhatWasConfirmed(String when) {
    device.confirmed.forEach(
        (channel, version) -> {
          long known = device.channels.getOrDefault(channel, Long.MAX_VALUE);
          if (known < version) {
            throw new AssertionError(
                "%s the device knows version %d of c%d, but %d was confirmed"
                    .formatted(when, known, number(channel), version));
          }
        });
  }

  @Override
  public Interleavings.Digest digest() {
    StringBuilder text = new StringBuilder(300);
    Interleavings.Digest digest = Interleavings.Digest.EMPTY;
    text.append(store).append(raised.values());
    for (Node node : nodes) {
      text.append(node.steps).append(node.goneHeard).append(node.toApplyAgain.size()).append('|');
      if (!node.words.isEmpty()) {
        node.words.stream()
            .map(Node.Word::text)
            .sorted()
            .forEach(word -> text.append(word).append(';'));
      }
    }
    for (Connection connection : connections) {
      digest = digest.and(connection.history.high()).and(connection.history.low());
      text.append(connection.node.index)
          .append(connection.open)
          .append(connection.settled)
          .append(connection.node.registry.isLive(device.uaid, connection.session));
      for (Said said : connection.unread) {
        text.append(said.name).append(';');
      }
    }
    text.append(device.on == null ? -1 : device.on.index)
        .append(device.greeted)
        .append(device.channels.values())
        .append(device.channelNames())
        .append(device.registering)
        .append(device.endpoints.size())
        .append(device.confirmed.values())
        .append(device.takenOver)
        .append(device.closed)
        .append(',')
        .append(device.nextChannel)
        .append(device.name(device.uaid))
        .append(Arrays.toString(left))
        .append(rolledBack)
        .append(published);
    return digest.and(text.toString());
  }
}
