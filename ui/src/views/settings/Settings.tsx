export default function Settings() { return <p data-ready>Settings</p>; }
