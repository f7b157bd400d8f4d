package org.simplepush.examples.emulator;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import okhttp3.ConnectionPool;
import okhttp3.OkHttpClient;
import org.simplepush.client.ApplicationManifest;
import org.simplepush.client.ConnectionListener;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushHandler;
import org.simplepush.client.PushManager;
import org.simplepush.client.PushMessage;
import org.simplepush.client.PushRegisterHandler;
import org.simplepush.client.PushRegistration;
import org.simplepush.client.RegisteredHandler;

/**
 * One device that does what a person types, one command a line, and prints what happens to it. Each
 * command is done before the next is read.
 */
final class Interactive implements AutoCloseable {
  private static final String HELP =
      """
      install APP          put an application on the device, and run it
      uninstall APP        remove it, and give its endpoints up
      register APP         ask for an endpoint; fails without a network
      register-later APP   ask for an endpoint, which comes when there is a network
      unregister N         give endpoint N up (or write the whole endpoint)
      list [APP]           applications, and their endpoints with the last version
      registrations [APP]  the same
      offline              lose the network
      online               have it again
      help                 this
      quit                 switch the device off (the end of the input does, too)
      """;

  /** What each command takes: nothing, a word, or in brackets a word that may be left out. */
  private static final Map<String, String> USAGE =
      Map.ofEntries(
          Map.entry("install", "APP"),
          Map.entry("uninstall", "APP"),
          Map.entry("register", "APP"),
          Map.entry("register-later", "APP"),
          Map.entry("unregister", "N"),
          Map.entry("list", "[APP]"),
          Map.entry("registrations", "[APP]"),
          Map.entry("offline", ""),
          Map.entry("online", ""),
          Map.entry("help", ""),
          Map.entry("quit", ""));

  private final Network network = new Network();
  private final PushClient client;
  private final PrintStream out;
  private final String prompt;

  // Both guarded by this.
  private final Map<String, PushManager> applications = new TreeMap<>();
  private final Map<URI, Integer> numbers = new LinkedHashMap<>();

  Interactive(PushClient.Builder builder, PrintStream out, String prompt) {
    this.out = out;
    this.prompt = prompt;
    OkHttpClient http =
        new OkHttpClient.Builder()
            .connectionPool(new ConnectionPool(0, 1, TimeUnit.SECONDS))
            .socketFactory(network)
            .build();
    this.client = builder.okHttpClient(http).listener(new Listener()).build();
  }

  /** Returns at quit, or when there is no more input. */
  void run(BufferedReader in) throws IOException, InterruptedException {
    client.start();
    say("One device; type help.");
    try {
      for (String name : client.installed().get().keySet()) {
        attach(name);
        say("installed " + name);
      }
    } catch (ExecutionException e) {
      throw new IOException("The installed applications cannot be read", e.getCause());
    }
    prompt();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.strip().split("\\s+");
      if (words[0].equalsIgnoreCase("quit")) {
        return;
      }
      if (!words[0].isEmpty()) {
        obey(words);
      }
      prompt();
    }
  }

  private void prompt() {
    out.print(prompt);
    out.flush();
  }

  private void say(String sentence) {
    synchronized (out) {
      out.println(sentence);
      out.flush();
    }
  }

  private void obey(String[] words) throws InterruptedException {
    String command = words[0].toLowerCase(Locale.ROOT);
    String usage = USAGE.get(command);
    if (usage == null) {
      say("error: there is no " + command + "; type help");
      return;
    }
    int arguments = words.length - 1;
    boolean fits = usage.isEmpty() ? arguments == 0 : arguments == 1;
    if (!fits && !(usage.startsWith("[") && arguments == 0)) {
      say("error: write " + (usage.isEmpty() ? command + " alone" : command + " " + usage));
      return;
    }
    String argument = arguments == 0 ? "" : words[1];
    try {
      switch (command) {
        case "install" -> install(argument);
        case "uninstall" -> uninstall(argument);
        case "register" -> say("endpoint " + named(argument, manager(argument).register().get()));
        case "register-later" -> {
          manager(argument).registerWhenPossible("later").get();
          say("queued");
        }
        case "unregister" -> unregister(argument);
        case "list", "registrations" -> list(argument.isEmpty() ? managers() : one(argument));
        case "offline" -> {
          network.goAway();
          say("offline");
        }
        case "online" -> {
          network.comeBack();
          client.networkChanged();
          say("online");
        }
        default -> say(HELP.stripTrailing());
      }
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      say("error: " + (cause == null ? e : cause).getMessage());
    } catch (IllegalArgumentException | IllegalStateException e) {
      say("error: " + e.getMessage());
    }
  }

  private void install(String name) throws ExecutionException, InterruptedException {
    client.install(name, ApplicationManifest.of(name, "")).get();
    attach(name);
    say("installed " + name);
  }

  private synchronized void attach(String name) {
    if (!applications.containsKey(name)) {
      applications.put(name, client.application(name, new Handler(name)));
    }
  }

  private void uninstall(String name) throws ExecutionException, InterruptedException {
    manager(name);
    client.uninstall(name).get();
    synchronized (this) {
      applications.remove(name);
    }
    say("uninstalled " + name);
  }

  private synchronized PushManager manager(String name) {
    PushManager manager = applications.get(name);
    if (manager == null) {
      throw new IllegalArgumentException("there is no application " + name + "; install it first");
    }
    return manager;
  }

  private void unregister(String which) throws ExecutionException, InterruptedException {
    for (PushManager manager : managers()) {
      for (PushRegistration registration : manager.registrations().get()) {
        URI endpoint = registration.endpoint();
        if (which.equals(String.valueOf(number(endpoint))) || which.equals(endpoint.toString())) {
          manager.unregister(endpoint).get();
          say("unregistered " + number(endpoint));
          return;
        }
      }
    }
    say("error: there is no endpoint " + which + "; list shows them");
  }

  private List<PushManager> one(String name) {
    return List.of(manager(name));
  }

  private void list(List<PushManager> shown) throws ExecutionException, InterruptedException {
    for (PushManager manager : shown) {
      say("application " + manager.applicationId());
      for (PushRegistration registration : manager.registrations().get()) {
        say(
            "  "
                + number(registration.endpoint())
                + " version "
                + (registration.version().isPresent() ? registration.version().getAsLong() : "none")
                + " "
                + registration.endpoint());
      }
    }
    if (shown.isEmpty()) {
      say("no applications");
    }
  }

  private synchronized List<PushManager> managers() {
    return List.copyOf(applications.values());
  }

  private synchronized int number(URI endpoint) {
    return numbers.computeIfAbsent(endpoint, unknown -> numbers.size() + 1);
  }

  private String named(String application, URI endpoint) {
    return number(endpoint) + " " + application + " " + endpoint;
  }

  @Override
  public void close() {
    client.close();
  }

  /** Tells of what an application hears. */
  private final class Handler implements PushHandler, PushRegisterHandler, RegisteredHandler {
    private final String name;

    Handler(String name) {
      this.name = name;
    }

    @Override
    public void onPush(PushMessage message) {
      say("push " + name + " " + number(message.endpoint()) + " version " + message.version());
    }

    @Override
    public void onPushRegister() {
      say("push-register " + name + ": the push server lost its endpoints; register again");
    }

    @Override
    public void onRegistered(String tag, URI endpoint) {
      say("endpoint " + named(name, endpoint));
    }
  }

  /** Tells of the connection. */
  private final class Listener implements ConnectionListener {
    @Override
    public void onConnected() {
      say("connected");
    }

    @Override
    public void onDisconnected(Disconnected event) {
      say(
          String.format(
              Locale.ROOT,
              "disconnected: %s; next attempt in %.1f s",
              event.reason(),
              event.retryIn().toMillis() / 1e3));
    }
  }
}
