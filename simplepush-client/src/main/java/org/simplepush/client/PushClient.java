package org.simplepush.client;

import java.io.IOException;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import okhttp3.ConnectionPool;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.Failures;
import org.simplepush.client.internal.Settings;
import org.simplepush.client.internal.connection.Transport;
import org.simplepush.client.internal.device.Device;
import org.simplepush.client.internal.device.DeviceState;
import org.simplepush.client.internal.device.DeviceStateText;
import org.simplepush.client.internal.device.Handlers;
import org.simplepush.client.internal.device.Manifest;
import org.simplepush.client.internal.device.RequestException;
import org.simplepush.client.internal.net.OkHttpGuard;
import org.simplepush.client.internal.net.OkHttpTransport;
import org.simplepush.client.internal.net.ReaderThreads;
import org.simplepush.client.internal.net.WakeableTransport;
import org.simplepush.client.internal.run.HandlerThread;
import org.simplepush.client.internal.run.ScheduledLoop;
import org.simplepush.core.internal.Backoff;
import org.simplepush.core.internal.Checks;
import org.simplepush.core.internal.DaemonThreads;

/**
 * A device: holds one connection to a push server for all applications on it, and keeps it up.
 *
 * <pre>{@code
 * PushClient device =
 *     PushClient.builder(URI.create("wss://push.example.org/"))
 *         .storage(storage)
 *         .build()
 *         .start();
 * PushManager calendar =
 *     device.application(
 *         "calendar",
 *         message -> synchronise(message.endpoint()),
 *         (old, endpoint) -> tellApplicationServer(old, endpoint));
 * calendar.register().thenAccept(endpoint -> tellApplicationServer(endpoint));
 * }</pre>
 *
 * <p>Safe for use by many threads. Keep one for as long as the process lives. Its threads are
 * daemons: they do not keep the JVM alive. Neither handlers nor futures are called by the thread
 * that serves the connection.
 *
 * @since 0.1
 */
public final class PushClient implements AutoCloseable {
  /** The default of {@link Builder#requestTimeout}: 10 s. */
  public static final Duration DEFAULT_REQUEST_TIMEOUT = Duration.ofSeconds(10);

  /** The default of {@link Builder#pingInterval}: 30 min (protocol §6). */
  public static final Duration DEFAULT_PING_INTERVAL = Duration.ofMinutes(30);

  /** The default first bound of {@link Builder#backoff}: 2 s. */
  public static final Duration DEFAULT_FIRST_BACKOFF = Duration.ofSeconds(2);

  /** The default of {@link Builder#maxMessageLength}: 1 MiB. */
  public static final int DEFAULT_MAX_MESSAGE_LENGTH = 1024 * 1024;

  /** The default last bound of {@link Builder#backoff}: 5 min. */
  public static final Duration DEFAULT_MAX_BACKOFF = Duration.ofMinutes(5);

  private final Settings settings;
  private final DeviceStorage storage;
  private final Device.Listener listener;
  private final @Nullable ApplicationLauncher launcher;
  private final WakeableTransport.@Nullable Settings wakeUp;
  private final OkHttpClient okHttp;
  private final boolean ownsPool;
  private final Executor callbacks;
  private final @Nullable ExecutorService ownCallbacks;
  private final @Nullable ScheduledExecutorService ownScheduler;
  private final ScheduledLoop loop;
  private final ReaderThreads readers;

  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  // All guarded by this.
  private final Map<String, Handlers> applications = new HashMap<>();
  private boolean started;
  private @Nullable Device device;
  private boolean closing;

  private PushClient(Builder builder) {
    settings =
        new Settings(
            builder.server,
            builder.requestTimeout,
            builder.minPingInterval,
            builder.maxPingInterval,
            builder.backoff,
            builder.allowInsecure,
            builder.maxMessageLength,
            builder.synchroniseAfter,
            builder.renewal);
    storage = builder.storage;
    launcher = builder.launcher;
    wakeUp = builder.wakeUp;

    String name = "simplepush-client " + Settings.host(builder.server) + " ";
    if (builder.scheduler == null) {
      ownScheduler = scheduler(name + "loop");
      loop = new ScheduledLoop(ownScheduler, () -> scheduler(name + "loop"), this::taskFailed);
    } else {
      ownScheduler = null;
      loop = new ScheduledLoop(builder.scheduler, () -> scheduler(name + "loop"), this::taskFailed);
    }
    // At most one thread per application runs a handler; the rest of the time there is none.
    ownCallbacks =
        builder.callbackExecutor == null
            ? growingPool(DaemonThreads.numbered(name + "callback-"))
            : null;
    callbacks = builder.callbackExecutor == null ? ownCallbacks() : builder.callbackExecutor;
    listener = new ListenerCalls(builder.listener, callbacks);
    readers = new ReaderThreads(DaemonThreads.numbered(name + "reader-"));
    ownsPool = builder.okHttpClient == null;
    okHttp = okHttp(builder.okHttpClient, readers, builder.maxMessageLength);
  }

  private void taskFailed(Throwable failure) {
    Device running = device();
    if (running != null) {
      running.taskFailed(failure);
    }
  }

  private static ScheduledExecutorService scheduler(String name) {
    ScheduledThreadPoolExecutor thread =
        new ScheduledThreadPoolExecutor(1, DaemonThreads.numbered(name + "-"));
    thread.setRemoveOnCancelPolicy(true);
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    return thread;
  }

  private ExecutorService ownCallbacks() {
    return Objects.requireNonNull(ownCallbacks);
  }

  private static ExecutorService growingPool(ThreadFactory threads) {
    return new ThreadPoolExecutor(
        0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), threads);
  }

  /**
   * A dispatcher of our own also for a client that was handed in: a WebSocket occupies one of the
   * dispatcher's 64 places for as long as it is open.
   */
  private static OkHttpClient okHttp(
      @Nullable OkHttpClient given, ExecutorService readers, int maxMessageLength) {
    OkHttpClient.Builder builder =
        given == null
            ? new OkHttpClient.Builder().connectionPool(new ConnectionPool(0, 1, TimeUnit.SECONDS))
            : given.newBuilder();
    // Around all others, so that it sees what they fail with, and the stream as OkHttp will.
    builder.interceptors().add(0, new OkHttpGuard(maxMessageLength));
    return builder
        .dispatcher(new Dispatcher(readers))
        .pingInterval(Duration.ZERO) // the protocol has its own
        .retryOnConnectionFailure(false) // when to retry is decided in one place
        .followRedirects(false)
        .followSslRedirects(false)
        .cache(null) // an answer other than 101 would be repeated for as long as it says
        .build();
  }

  /**
   * Returns a builder of a client for the push server at this address.
   *
   * @param server {@code wss://host[:port]/[path]}; {@code ws://} for this host or with {@link
   *     Builder#allowInsecure}
   */
  public static Builder builder(URI server) {
    return new Builder(server);
  }

  /**
   * Reads the stored state and begins to connect. Returns when the state is read. The client opens
   * the connection later, and opens it again whenever it was lost.
   *
   * @return this client
   * @throws IOException if there is a stored state that cannot be read
   * @throws IllegalStateException if the client was started or closed before, or its {@linkplain
   *     Builder#scheduler scheduler} was shut down
   */
  public PushClient start() throws IOException {
    synchronized (this) {
      if (started || closing) {
        throw new IllegalStateException("A client is started once and not after close()");
      }
      if (loop.isShutDown()) {
        throw new IllegalStateException(
            "The client's scheduler was shut down; hand in one that runs until the client is"
                + " closed");
      }
      started = true;
    }
    DeviceState state;
    try {
      String stored = storage.load();
      state = stored == null ? new DeviceState() : parse(stored);
    } catch (IOException | RuntimeException | Error e) {
      releaseStorage();
      synchronized (this) {
        started = false;
      }
      throw e;
    }
    Device loaded =
        new Device(
            settings,
            loop,
            transport(),
            storage::save,
            state,
            this::launch,
            callbacks,
            listener,
            new SecureRandom());
    synchronized (this) {
      if (!closing) {
        device = loaded;
      }
    }
    if (device() == null) {
      releaseStorage();
      throw new IllegalStateException("The client was closed while it started");
    }
    loop.execute(
        () -> {
          applications().forEach(loaded::attach);
          loaded.start();
        });
    return this;
  }

  private DeviceState parse(String stored) throws IOException {
    try {
      return DeviceStateText.parse(stored);
    } catch (IOException e) {
      if (storage instanceof FileDeviceStorage) { // what others call themselves may be a secret
        throw new IOException(
            "The device's state cannot be read from " + storage + ": " + e.getMessage(), e);
      }
      throw e;
    }
  }

  private Transport transport() {
    Transport connections = new OkHttpTransport(okHttp);
    return wakeUp == null ? connections : new WakeableTransport(connections, wakeUp, readers);
  }

  private synchronized @Nullable Device device() {
    return device;
  }

  private void releaseStorage() {
    try {
      storage.release();
    } catch (Throwable e) { // whatever it was, the client closes
      Failures.warn("The storage could not be released", e);
    }
  }

  private synchronized Map<String, Handlers> applications() {
    return Map.copyOf(applications);
  }

  /**
   * Attaches an application: from now on its handler gets what waits for it and what comes. May be
   * called before {@link #start()}. Messages for an application that has endpoints here and is not
   * attached wait until it is.
   *
   * @param applicationId the name under which the device knows it; the same after a restart. 1 to
   *     255 characters
   * @param handler what it can do: handle new versions, and whatever other handlers the same object
   *     implements; see {@link PushHandler}
   * @throws IllegalStateException if an application of this name is attached, or the client closed
   */
  public PushManager application(String applicationId, PushHandler handler) {
    Objects.requireNonNull(handler, "handler");
    return attach(applicationId, Adapters.handlers(handler));
  }

  /**
   * The same for an application whose endpoints the device replaces when the push server has lost
   * them, or they are old.
   *
   * @param applicationId the name under which the device knows it; the same after a restart. 1 to
   *     255 characters
   * @param handler as above
   * @param replaced what takes the new endpoints
   * @throws IllegalStateException if an application of this name is attached, or the client closed
   */
  public PushManager application(
      String applicationId, PushHandler handler, EndpointReplacedHandler replaced) {
    Objects.requireNonNull(handler, "handler");
    Objects.requireNonNull(replaced, "replaced");
    return attach(applicationId, Adapters.handlers(handler, replaced));
  }

  private synchronized PushManager attach(String applicationId, Handlers handlers) {
    checkApplicationId(applicationId);
    if (closing) {
      throw new IllegalStateException("The client is closed");
    }
    if (applications.putIfAbsent(applicationId, handlers) != null) {
      throw new IllegalStateException("The application " + applicationId + " is attached already");
    }
    Device running = device;
    if (running != null) {
      loop.execute(() -> running.attach(applicationId, handlers));
    }
    return new PushManager(this, applicationId);
  }

  /**
   * Refuses a request whose answer the application could not take.
   *
   * @throws IllegalStateException if the application is attached and does not implement it
   */
  synchronized void requireHandler(
      String applicationId, Function<Handlers, @Nullable Object> handler, Class<?> type) {
    Handlers attached = applications.get(applicationId);
    if (attached != null && handler.apply(attached) == null) {
      throw new IllegalStateException(
          "The answer would come to a "
              + type.getSimpleName()
              + ", and the handler of application "
              + applicationId
              + " is none; implement it");
    }
  }

  private static void checkApplicationId(String applicationId) {
    if (applicationId.isEmpty() || applicationId.length() > 255) {
      throw new IllegalArgumentException(
          "An application id has 1 to 255 characters, but this one has " + applicationId.length());
    }
  }

  void detach(String applicationId) {
    Device running;
    synchronized (this) {
      applications.remove(applicationId);
      running = device;
    }
    if (running != null) {
      loop.execute(() -> running.detach(applicationId));
    }
  }

  private boolean launch(
      String applicationId, Manifest manifest, Consumer<@Nullable Throwable> launched) {
    ApplicationLauncher used = launcher;
    if (used == null) {
      return false;
    }
    try {
      callbacks.execute(
          () -> {
            Throwable failure = null;
            HandlerThread.enter();
            try {
              PushHandler handler =
                  used.launch(new PushManager(this, applicationId), Adapters.manifest(manifest));
              if (handler != null) {
                attachLaunched(applicationId, manifest, Adapters.handlers(handler));
              }
            } catch (Throwable e) { // whatever it was: it was not started
              if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
              }
              failure = e;
            } finally {
              HandlerThread.leave();
            }
            Throwable outcome = failure;
            loop.execute(() -> launched.accept(outcome));
          });
    } catch (RuntimeException | Error e) { // it takes no more, or there is no thread to be had
      loop.execute(() -> launched.accept(e));
    }
    return true;
  }

  /**
   * Does nothing if it is attached by now, or was uninstalled or installed again while it started.
   */
  private void attachLaunched(String applicationId, Manifest manifest, Handlers handlers) {
    Device running = Objects.requireNonNull(device());
    loop.execute(
        () -> {
          if (!running.isInstalled(applicationId, manifest)) {
            return;
          }
          synchronized (this) {
            if (closing || applications.putIfAbsent(applicationId, handlers) != null) {
              return;
            }
          }
          running.attach(applicationId, handlers);
        });
  }

  /**
   * Installs an application: from now on it is started by the device's {@link ApplicationLauncher}
   * when a message waits for it and it is not attached. Replaces the manifest of one that is
   * installed. An application need not be installed to use push, unless it is to be started.
   *
   * @param applicationId as for {@link #application}
   * @return completes when the manifest is stored
   * @throws IllegalStateException if the client was never started
   */
  public CompletableFuture<Void> install(String applicationId, ApplicationManifest manifest) {
    checkApplicationId(applicationId);
    Objects.requireNonNull(manifest, "manifest");
    CompletableFuture<Void> result = new CompletableFuture<>();
    Manifest translated = Adapters.manifest(manifest);
    ask(result, running -> running.install(applicationId, translated, Adapters.reply(result)));
    return result.copy();
  }

  /**
   * Removes an application: detaches it, drops its endpoints and what waits for it, and unregisters
   * at the push server now or at the next hello. Requests of it that are not answered fail with
   * {@code ABORT_ERROR}. A handler that runs is not interrupted; an application that is attached
   * under the same name gets its first message after that has returned. Harmless if there is no
   * such application.
   *
   * @return completes when all this is stored
   * @throws IllegalStateException if the client was never started
   */
  public CompletableFuture<Void> uninstall(String applicationId) {
    checkApplicationId(applicationId);
    CompletableFuture<Void> result = new CompletableFuture<>();
    ask(
        result,
        running -> {
          synchronized (this) {
            applications.remove(applicationId);
          }
          running.uninstall(applicationId, Adapters.reply(result));
        });
    return result.copy();
  }

  /**
   * Returns what is installed, in the order in which it was.
   *
   * @throws IllegalStateException if the client was never started
   */
  public CompletableFuture<Map<String, ApplicationManifest>> installed() {
    CompletableFuture<Map<String, ApplicationManifest>> result = new CompletableFuture<>();
    ask(result, running -> running.installed(Adapters.reply(result, Adapters::manifests)));
    return result.copy();
  }

  /** Lets a call of an application run on the loop. */
  void ask(CompletableFuture<?> result, Consumer<Device> call) {
    Device running;
    synchronized (this) {
      running = device;
      if (running == null && !closing) {
        throw new IllegalStateException("Start the client before asking it for endpoints");
      }
      if (!closing && running != null) {
        if (loop.isShutDown() || !loop.tryExecute(() -> call.accept(running))) {
          result.completeExceptionally(
              PushException.of(
                  RequestException.aborted(
                      "the client's scheduler was shut down; close the client")));
        }
        return;
      }
    }
    result.completeExceptionally(PushException.of(RequestException.closed()));
  }

  /**
   * The program has noticed that the network changed: another address, back from a dead spot. A
   * client that waits for its next attempt makes it now; an open connection is pinged, because it
   * may have died without a sign. Harmless if nothing changed, and before start.
   *
   * @param network the network that the device is in now, under any name that will be the same when
   *     it is there again; stored. For an {@linkplain Builder#adaptivePingInterval adaptive ping
   *     interval}
   */
  public void networkChanged(String network) {
    Objects.requireNonNull(network, "network");
    Device running = device();
    if (running != null) {
      loop.execute(() -> running.networkChanged(network));
    }
  }

  /** The same as {@link #networkChanged(String)} in a network of which nothing is known. */
  public void networkChanged() {
    networkChanged("");
  }

  /**
   * Begins to close and returns at once; every call answers with the same completion. Requests not
   * answered yet fail with {@code ABORT_ERROR}, and no handler is called any more. Handlers that
   * are running, and the launcher, may return within the request timeout; what they have taken is
   * stored and acknowledged. Then the connection is closed, which may take 2 s if the server is
   * silent.
   *
   * <p>When the future completes, nothing of this client touches the network, the storage or a
   * handler any more, and its threads are ending. What was handed in (OkHttp client, executor)
   * stays as it is. The registrations stay too: a client started with the same storage goes on.
   */
  public CompletableFuture<Void> closeAsync() {
    Device running;
    synchronized (this) {
      running = device;
      if (closing) {
        return closed.copy();
      }
      closing = true;
    }
    if (running == null) {
      release();
    } else {
      loop.ending();
      loop.execute(
          () ->
              running.close(
                  () -> {
                    releaseStorage();
                    release();
                  }));
    }
    return closed.copy();
  }

  private void release() {
    try {
      okHttp.dispatcher().cancelAll();
      readers.shutdown();
      if (ownsPool) {
        okHttp.connectionPool().evictAll();
      }
    } finally {
      if (ownCallbacks != null) {
        ownCallbacks.shutdown();
      }
      loop.ended();
      if (ownScheduler != null) {
        ownScheduler.shutdown();
      }
      closed.complete(null);
    }
  }

  /**
   * Closes the client and waits until {@link #closeAsync()} is done. Calling it again, or before
   * start, is harmless. Called by a handler, or on the thread that serves the connection (with a
   * {@link Builder#callbackExecutor} that runs tasks where it is called), it does not wait, because
   * it would wait for itself.
   */
  @Override
  public void close() {
    CompletableFuture<Void> done = closeAsync();
    if (!HandlerThread.isCurrent() && !loop.isCurrent()) {
      done.join();
    }
  }

  /** Names the server and nothing secret. */
  @Override
  public String toString() {
    return "PushClient[" + settings.server() + "]";
  }

  /** Collects what a client needs to know. Not safe for use by many threads. */
  public static final class Builder {
    private final URI server;
    private DeviceStorage storage = DeviceStorage.inMemory();
    private @Nullable OkHttpClient okHttpClient;
    private @Nullable Executor callbackExecutor;
    private @Nullable ScheduledExecutorService scheduler;
    private ConnectionListener listener = new ConnectionListener() {};
    private @Nullable ApplicationLauncher launcher;
    private Duration requestTimeout = DEFAULT_REQUEST_TIMEOUT;
    private Duration minPingInterval = DEFAULT_PING_INTERVAL;
    private Duration maxPingInterval = DEFAULT_PING_INTERVAL;
    private Backoff backoff = new Backoff(DEFAULT_FIRST_BACKOFF, DEFAULT_MAX_BACKOFF);
    private boolean allowInsecure;
    private int maxMessageLength = DEFAULT_MAX_MESSAGE_LENGTH;
    private @Nullable Duration synchroniseAfter;
    private Settings.@Nullable Renewal renewal;
    private WakeableTransport.@Nullable Settings wakeUp;

    private Builder(URI server) {
      this.server = Objects.requireNonNull(server, "server");
    }

    /** Where the device's state is kept. Default: in memory, for this client only. */
    public Builder storage(DeviceStorage deviceStorage) {
      storage = Objects.requireNonNull(deviceStorage, "deviceStorage");
      return this;
    }

    /**
     * The client whose trust settings, proxy, DNS and connection pool are used; it is not changed
     * and not closed. Its ping interval, retries and redirects do not apply: the device has its
     * own. Nor does its cache. A server's redirects in HTTP are never followed; those of the
     * protocol lead from {@code wss:} to {@code wss:} only, and to this host only from this host.
     * If the client has an authenticator or cookies, it decides which host gets them. Default: one
     * of our own.
     */
    public Builder okHttpClient(OkHttpClient client) {
      okHttpClient = Objects.requireNonNull(client, "client");
      return this;
    }

    /**
     * Runs handlers, the listener and what is chained to futures. A handler occupies a thread of it
     * for as long as it runs. It is not closed. Default: threads of our own, as many as
     * applications are busy.
     *
     * <p>What it runs must not wait for a future of this client ({@code register().get()}) unless
     * there is another thread to complete that: with one thread only it never returns, so chain to
     * the future instead ({@code register().thenAccept(…)}). An executor that runs tasks where it
     * is called ({@code Runnable::run}) runs them on the thread that serves the connection and
     * keeps the timers: then nothing may wait for anything, and whatever takes long holds up the
     * device.
     */
    public Builder callbackExecutor(Executor executor) {
      callbackExecutor = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /**
     * Runs the client's own work: messages, timers, the storage. For a program with many devices,
     * which can share one of a few threads; with {@link #callbackExecutor} and {@link
     * #okHttpClient} a device then has one thread left, which waits for its server. It is not
     * closed. Close the client before you shut it down: after that the client hears nothing, every
     * request fails with {@code ABORT_ERROR}, and closing takes a thread for a moment. Default: one
     * thread of our own.
     */
    public Builder scheduler(ScheduledExecutorService executor) {
      scheduler = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /** Hears of connections made and lost. Default: nobody. */
    public Builder listener(ConnectionListener connectionListener) {
      listener = Objects.requireNonNull(connectionListener, "connectionListener");
      return this;
    }

    /**
     * Starts installed applications that are not running when there is a message for them. Default:
     * none, messages wait until the application is attached.
     */
    public Builder launcher(ApplicationLauncher applicationLauncher) {
      launcher = Objects.requireNonNull(applicationLauncher, "applicationLauncher");
      return this;
    }

    /**
     * How long the server may take to open a connection, and to give any answer; also how long a
     * register waits for a connection. Default 10 s ({@link #DEFAULT_REQUEST_TIMEOUT}).
     *
     * @throws IllegalArgumentException if under a millisecond or over a day
     */
    public Builder requestTimeout(Duration timeout) {
      requestTimeout = checkDuration("requestTimeout", timeout);
      return this;
    }

    /**
     * How long the server may be silent before it is pinged; if nothing comes within the request
     * timeout then, the device reconnects. Default 30 min ({@link #DEFAULT_PING_INTERVAL}). Behind
     * a NAT less may be needed; below 20 s servers close the connection (protocol §6).
     *
     * @throws IllegalArgumentException if under a millisecond or over a day
     */
    public Builder pingInterval(Duration interval) {
      minPingInterval = checkDuration("pingInterval", interval);
      maxPingInterval = minPingInterval;
      return this;
    }

    /**
     * Instead of one {@link #pingInterval}: learns how long the server may be silent before the
     * network forgets the connection. Begins with {@code min}, grows while pings are answered,
     * shrinks when one finds the connection dead; remembered for each network that {@link
     * PushClient#networkChanged(String)} names.
     *
     * @throws IllegalArgumentException if one is under a millisecond or over a day, or {@code max}
     *     below {@code min}
     */
    public Builder adaptivePingInterval(Duration min, Duration max) {
      checkDuration("min", min);
      if (checkDuration("max", max).compareTo(min) < 0) {
        throw new IllegalArgumentException(
            "max is not below min, but they were " + max + ", " + min);
      }
      minPingInterval = min;
      maxPingInterval = max;
      return this;
    }

    /**
     * The break after a lost connection or a failed attempt: drawn evenly from zero to a bound that
     * starts at {@code first} and doubles up to {@code max}. A hello that was accepted ends the
     * doubling. If the server is overloaded (close code 1013, status 429), or refuses this device,
     * the bound is at least 16 times {@code first}. Default 2 s ({@link #DEFAULT_FIRST_BACKOFF})
     * and 5 min ({@link #DEFAULT_MAX_BACKOFF}).
     *
     * @throws IllegalArgumentException if one is under a millisecond or over a day, or {@code max}
     *     below {@code first}
     */
    public Builder backoff(Duration first, Duration max) {
      backoff = new Backoff(checkDuration("first", first), checkDuration("max", max));
      return this;
    }

    /**
     * Whether {@code ws:} may be used to other hosts than this one, which shows the device's
     * secrets to everybody in between, and whether a push server elsewhere may hand out endpoints
     * at {@code localhost}, as one on a developer's computer does. Default false.
     */
    public Builder allowInsecure(boolean allow) {
      allowInsecure = allow;
      return this;
    }

    /**
     * How long a message of the push server may be; a longer one ends the connection. The largest a
     * server has reason to send is a notification of a version for each channel of the device, some
     * 80 bytes each. While it reads a message, a device holds a few times as much. Default 1 MiB
     * ({@link #DEFAULT_MAX_MESSAGE_LENGTH}).
     *
     * @param bytes 1 KiB to 16 MiB
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxMessageLength(int bytes) {
      maxMessageLength = Checks.range("maxMessageLength", bytes, 1024, 16 * 1024 * 1024);
      return this;
    }

    /**
     * Calls an application's {@link SynchroniseHandler} when no other call has woken it for so
     * long, with or without a connection to the push server; a day is a good choice. Each call that
     * returns normally restarts the wait, except {@link RegisteredHandler#onRegistered}. It
     * concerns applications that have an endpoint or have lost one, until they unregister their
     * last.
     *
     * <p>The wait goes on while the process is down, and while the device sleeps. It lasts up to a
     * 24th longer, and applications whose wait is over are called one after the other, up to a
     * minute apart, so that they do not all fetch at once. Default: never.
     *
     * @throws IllegalArgumentException if under a second or over 366 days
     */
    public Builder synchroniseAfter(Duration silence) {
      synchroniseAfter = checkLong("synchroniseAfter", silence);
      return this;
    }

    /**
     * Gives every endpoint a successor when it is older than {@code age}, without being asked: the
     * device registers another one and hands the application both ({@link
     * EndpointReplacedHandler}). Both work until the application has confirmed, and for {@code
     * overlap} after that; then the old one is unregistered. This limits how long an endpoint that
     * leaked is of use, and how long one that the push server has lost without a sign stays
     * unnoticed. Default: never.
     *
     * <p>The versions of both count as one sequence: a version of either is handed over only if it
     * is higher than the last one handled of either. So an application server goes on counting
     * where it was; if it began at 0 for a new endpoint, its versions would not be handed over. An
     * application without an {@link EndpointReplacedHandler} keeps its endpoints.
     *
     * <p>Each wait lasts up to a 24th longer, and successors are registered one at a time, up to a
     * minute apart, while there is a connection. During the overlap an endpoint counts twice at the
     * push server, which limits their number.
     *
     * @param age 1 s to 366 days; 30 days are a good choice
     * @param overlap 1 s to 366 days; long enough for whatever the application server sends to an
     *     endpoint late. A day is a good choice
     * @throws IllegalArgumentException if one is out of range, or {@code overlap} not below {@code
     *     age}
     */
    public Builder renewEndpoints(Duration age, Duration overlap) {
      checkLong("age", age);
      if (checkLong("overlap", overlap).compareTo(age) >= 0) {
        throw new IllegalArgumentException(
            "overlap is shorter than age, but they were " + overlap + ", " + age);
      }
      renewal = new Settings.Renewal(age, overlap);
      return this;
    }

    private static Duration checkLong(String name, Duration duration) {
      return Checks.range(name, duration, Checks.SECOND, Settings.LONGEST_WAIT);
    }

    /**
     * Lets the push server close the connection when nothing happens, and wakes the device by UDP
     * (protocol §9). Any datagram makes it connect; if one brings no news, the next has to wait 10
     * s and longer, up to 5 min. It also connects when an application registers or unregisters.
     * Needs one thread. Default: it keeps its connection.
     *
     * @throws IllegalArgumentException if it listens at the wildcard address and does not say what
     *     address to tell
     */
    public Builder wakeUp(DeviceWakeUp deviceWakeUp) {
      wakeUp = deviceWakeUp.settings();
      return this;
    }

    private static Duration checkDuration(String name, Duration duration) {
      return Checks.range(name, duration, Checks.MILLISECOND, Checks.DAY);
    }

    /**
     * Returns a client that is not started.
     *
     * @throws IllegalArgumentException if the server's address is not one, or {@code ws:} to
     *     another host without {@link #allowInsecure}
     */
    public PushClient build() {
      Settings.checkTarget(server, allowInsecure);
      return new PushClient(this);
    }
  }
}
